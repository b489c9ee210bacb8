-- Models that were called in a period and have no price, by provider.
SELECT
    provider,
    model,
    CAST(sum(call_count) AS BIGINT) AS calls,
    min(day) AS first_day,
    max(day) AS last_day,
    coalesce(list(DISTINCT feature ORDER BY feature) FILTER (WHERE feature IS NOT NULL), []) AS features
FROM rollup_calls
WHERE state = 'unpriced' AND day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
GROUP BY provider, model
HAVING sum(call_count) > 0
ORDER BY provider, model
