-- What has no known cost: unpriced lines and lines without usage that no later line replaced, and calls in such a state without lines.
WITH open_lines AS (
    SELECT call_id, attempt, occurred_at, provider, model, state, coalesce(reason, '') AS reason, usage_class, quantity
    FROM cost_lines AS line
    WHERE state IN ('unpriced', 'usage_missing') AND adjustment_of IS NULL
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND NOT EXISTS (
            SELECT 1 FROM cost_lines AS later
            WHERE later.call_id = line.call_id AND later.attempt = line.attempt AND later.adjustment_of = line.line
        )
),
per_attempt AS (
    SELECT call_id, attempt, provider, model, state, reason, min(occurred_at) AS occurred_at, sum(quantity) AS quantity,
        coalesce(list(DISTINCT usage_class ORDER BY usage_class) FILTER (WHERE usage_class IS NOT NULL), []) AS classes
    FROM open_lines
    GROUP BY call_id, attempt, provider, model, state, reason
    UNION ALL
    SELECT call_id, attempt, provider, model, state, '', occurred_at, NULL, CAST([] AS VARCHAR[])
    FROM calls
    WHERE state IN ('unpriced', 'usage_missing')
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND (call_id, attempt) NOT IN (SELECT (call_id, attempt) FROM cost_lines WHERE state IN ('unpriced', 'usage_missing'))
)
SELECT
    per_attempt.provider, per_attempt.model, per_attempt.state, reason,
    CAST(sum(call_count) AS BIGINT) AS calls,
    CAST(sum(quantity) AS HUGEINT) AS quantity,
    list_sort(list_distinct(flatten(list(coalesce(classes, []))))) AS classes,
    CAST(min(per_attempt.occurred_at) AS DATE) AS first_day,
    CAST(max(per_attempt.occurred_at) AS DATE) AS last_day,
    coalesce(list(DISTINCT feature ORDER BY feature) FILTER (WHERE feature IS NOT NULL), []) AS features
FROM per_attempt JOIN calls USING (call_id, attempt)
GROUP BY per_attempt.provider, per_attempt.model, per_attempt.state, reason
ORDER BY calls DESC, 1, 2, 3, 4
