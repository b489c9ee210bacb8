-- Calls per group, how many of them have a cost that is unknown in whole or part, and their tokens of every kind.
SELECT
    {keys},
    CAST(coalesce(sum(call_count), 0) AS BIGINT) AS calls,
    CAST(coalesce(sum(call_count) FILTER (WHERE state IN ('unpriced', 'usage_missing')), 0) AS BIGINT) AS unknown_calls,
    CAST(sum(
        coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        + coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0)
    ) AS HUGEINT) AS tokens
FROM {calls} AS calls
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL
