-- All attempts of one trace in order of time, each with the sum of its known cost lines.
WITH traced AS (SELECT * FROM calls WHERE trace_id = CAST($trace_id AS VARCHAR)),
priced AS (
    SELECT call_id, attempt, sum(cost) AS cost
    FROM cost_lines
    WHERE call_id IN (SELECT call_id FROM traced)
    GROUP BY call_id, attempt
)
SELECT
    CAST(call_id AS VARCHAR), attempt, occurred_at, latency_ms, provider, model, status, state, feature, customer, rung,
    input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        + coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0) AS tokens,
    CASE WHEN state = 'not_billed' THEN coalesce(cost, 0) ELSE cost END AS cost,
    max(attempt) OVER (PARTITION BY call_id) AS last_attempt
FROM traced LEFT JOIN priced USING (call_id, attempt)
ORDER BY occurred_at, call_id, attempt
