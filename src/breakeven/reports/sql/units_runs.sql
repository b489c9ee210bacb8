-- What one run of a workflow (a trace) costs: median, 90th, 95th and 99th percentile of those whose cost is known, by feature.
WITH made AS (
    SELECT call_id, attempt, feature, trace_id
    FROM calls
    WHERE
        trace_id IS NOT NULL
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
),

priced AS (
    SELECT call_id, attempt, cost, state IN ('unpriced', 'usage_missing') AS unknown
    FROM cost_lines
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
),

runs AS (
    SELECT made.feature, made.trace_id, sum(priced.cost) AS cost, bool_or(priced.unknown) AS unknown
    FROM made JOIN priced USING (call_id, attempt)
    GROUP BY ALL
)

SELECT
    feature,
    count(*) AS runs,
    CAST(quantile_disc(cost, 0.5) AS DECIMAL(38, 18)) AS median,
    CAST(quantile_disc(cost, 0.9) AS DECIMAL(38, 18)) AS high,
    CAST(quantile_disc(cost, 0.95) AS DECIMAL(38, 18)) AS higher,
    CAST(quantile_disc(cost, 0.99) AS DECIMAL(38, 18)) AS highest
FROM runs
WHERE NOT unknown AND cost IS NOT NULL
GROUP BY feature
