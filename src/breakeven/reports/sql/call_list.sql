-- Attempts, each with the sum of its known cost lines and how many lines have no known cost. `among` names the calls that a page can hold.
WITH wanted AS (
    SELECT
        call_id, attempt, occurred_at, call_count, provider, api, model, model_requested, status, http_status, state, latency_ms,
        feature, team, customer, user_id, workflow, environment, rung, trace_id,
        input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, {tokens} AS tokens
    FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {call_conditions} {among}
),

priced AS (
    SELECT
        call_id, attempt, sum(cost) AS cost,
        sum(CASE WHEN adjustment_of IS NULL THEN 1 ELSE -1 END) FILTER (WHERE state IN ('unpriced', 'usage_missing')) AS unknown_lines
    FROM cost_lines
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND call_id IN (SELECT call_id FROM wanted)
    GROUP BY call_id, attempt
)

SELECT wanted.*, CASE WHEN state = 'not_billed' THEN coalesce(cost, 0) ELSE cost END AS cost, coalesce(unknown_lines, 0) AS unknown_lines
FROM wanted LEFT JOIN priced USING (call_id, attempt)
WHERE TRUE {cost_conditions}
ORDER BY {order}
LIMIT CAST($limit AS BIGINT)
