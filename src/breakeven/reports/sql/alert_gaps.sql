-- Attempts whose usage nobody knows, by provider and day.
SELECT
    provider,
    CAST(occurred_at AS DATE) AS day,
    CAST(sum(call_count) AS BIGINT) AS calls,
    coalesce(list(DISTINCT feature ORDER BY feature) FILTER (WHERE feature IS NOT NULL), []) AS features
FROM calls
WHERE state = 'usage_missing' AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
GROUP BY ALL
ORDER BY day, provider
