-- The calls of a page that is sorted by what a call itself says, from few columns.
SELECT call_id
FROM (
    SELECT call_id, attempt, occurred_at, latency_ms, {tokens} AS tokens
    FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {call_conditions}
) AS narrow
WHERE TRUE {after}
ORDER BY {order}
LIMIT CAST($limit AS BIGINT)
