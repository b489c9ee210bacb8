-- What was tried in vain on the ladders, by feature, rung and reason: how many calls passed a rung over, the most frequent first.
WITH tried AS (
    SELECT feature, unnest(CAST(rungs_tried AS VARCHAR[][])) AS pair
    FROM calls
    WHERE rungs_tried IS NOT NULL AND rungs_tried <> '[]'
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND ($feature IS NULL OR feature = $feature)
)
SELECT feature, pair[1] AS rung, regexp_replace(pair[2], '[0-9]+', '#', 'g') AS why, count(*) AS calls
FROM tried
GROUP BY ALL
ORDER BY feature, calls DESC, rung, why
