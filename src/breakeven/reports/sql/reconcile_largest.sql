-- The most that one call of a model used of a class: what a call of unknown usage may have used.
SELECT provider, coalesce(model, '') AS model, usage_class, max(quantity) AS quantity
FROM cost_lines
WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    AND provider IN (SELECT unnest(CAST($providers AS VARCHAR[]))) AND kind = 'list' AND usage_class IS NOT NULL
GROUP BY ALL
