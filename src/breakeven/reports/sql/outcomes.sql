-- Outcomes per group and value window (the number of value-model breakpoints that lie at or before the outcome).
SELECT
    {keys},
    len(list_filter(CAST($breaks AS TIMESTAMP[]), lambda edge: edge <= occurred_at)) AS value_window,
    CAST(sum(quantity) AS BIGINT) AS everything,
    CAST(coalesce(sum(quantity) FILTER (WHERE NOT succeeded), 0) AS BIGINT) AS failed,
    CAST(coalesce(sum(quantity) FILTER (WHERE succeeded), 0) AS BIGINT) AS successful,
    CAST(coalesce(sum(quantity) FILTER (WHERE succeeded IS NOT NULL), 0) AS BIGINT) AS judged,
    sum(value) FILTER (WHERE succeeded IS DISTINCT FROM FALSE) AS value_delivered,
    sum(value) FILTER (WHERE succeeded) AS value_successful,
    sum(value) AS value_everything
FROM {outcomes} AS outcomes
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL
