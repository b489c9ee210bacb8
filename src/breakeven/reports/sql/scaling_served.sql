-- Calls and tokens of each model and rung, per group.
SELECT
    {keys},
    coalesce(model, '') AS served_by,
    coalesce(rung, '') AS on_rung,
    CAST(coalesce(sum(call_count), 0) AS BIGINT) AS calls,
    CAST(sum(
        coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        + coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0)
    ) AS HUGEINT) AS tokens
FROM {calls} AS calls
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL
