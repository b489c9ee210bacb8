-- Outcomes that failed and name their trace, and what the answered calls of those traces cost, by feature.
WITH failed AS (
    SELECT feature, trace_id, CAST(sum(quantity) AS BIGINT) AS outcomes
    FROM outcomes
    WHERE
        trace_id IS NOT NULL AND succeeded IS NOT NULL
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
    GROUP BY feature, trace_id
    HAVING NOT bool_or(succeeded)
),

made AS (
    SELECT call_id, attempt, feature, trace_id
    FROM calls
    WHERE
        (status IS NULL OR status = 'ok')
        AND trace_id IN (SELECT trace_id FROM failed)
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
),

spent AS (
    SELECT made.feature, made.trace_id, sum(lines.cost) AS cost
    FROM made JOIN cost_lines AS lines USING (call_id, attempt)
    GROUP BY ALL
)

SELECT feature, CAST(sum(outcomes) AS BIGINT) AS outcomes, sum(cost) AS cost
FROM failed JOIN spent USING (feature, trace_id)
GROUP BY feature
