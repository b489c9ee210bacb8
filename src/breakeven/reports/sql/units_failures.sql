-- Attempts that bought nothing, by feature and kind: failed, refused, cut off; retried: answered, but tried again all the same.
WITH bad AS (
    SELECT call_id, attempt, min(kind) AS kind, max(attempts) AS attempts
    FROM (
        SELECT call_id, attempt, '1' || status AS kind, call_count AS attempts
        FROM calls
        WHERE
            status IN ('failed', 'refused', 'cut_off')
            AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
        UNION ALL
        SELECT call_id, attempt - 1 AS attempt, '2retried' AS kind, call_count AS attempts
        FROM calls
        WHERE
            attempt > 0
            AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
    ) AS found
    GROUP BY call_id, attempt
),

paid AS (
    SELECT call_id, attempt, any_value(feature) AS feature, sum(cost) AS cost
    FROM cost_lines
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
    AND (call_id, attempt) IN (SELECT (call_id, attempt) FROM bad)
    GROUP BY call_id, attempt
)

SELECT feature, substr(kind, 2) AS kind, CAST(sum(attempts) AS BIGINT) AS attempts, sum(cost) AS cost
FROM bad JOIN paid USING (call_id, attempt)
GROUP BY ALL
