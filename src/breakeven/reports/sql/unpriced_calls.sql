-- All calls of the period, and those whose cost is unknown in whole or part.
SELECT
    CAST(coalesce(sum(call_count), 0) AS BIGINT) AS calls,
    CAST(coalesce(sum(call_count) FILTER (WHERE state IN ('unpriced', 'usage_missing')), 0) AS BIGINT) AS unknown_calls
FROM rollup_calls
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
