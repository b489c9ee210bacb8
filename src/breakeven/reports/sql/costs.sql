-- Cost per group and cost class: the sum of known costs, the number of lines, and how many of them have no known cost.
SELECT
    {keys},
    cost_class,
    sum(cost) AS cost,
    CAST(sum(line_count) AS BIGINT) AS lines,
    CAST(coalesce(sum(line_count) FILTER (WHERE state IN ('unpriced', 'usage_missing')), 0) AS BIGINT) AS unknown_lines
FROM {costs} AS costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL
