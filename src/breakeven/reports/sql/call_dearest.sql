-- The dearest attempts of a page, dearest first, from the calls of some of their lines alone.
WITH likely AS (
    SELECT call_id
    FROM cost_lines
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) AND cost > 0 {line_conditions}
    {dearest}
),

totals AS (
    SELECT call_id, attempt, sum(cost) AS cost
    FROM cost_lines
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND call_id IN (SELECT call_id FROM likely)
    GROUP BY call_id, attempt
),

found AS (
    SELECT call_id, attempt
    FROM calls
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND call_id IN (SELECT call_id FROM likely) {call_conditions}
)

SELECT {shown}
FROM totals JOIN found USING (call_id, attempt)
WHERE cost > 0 {after}
ORDER BY {order}
LIMIT CAST($limit AS BIGINT)
