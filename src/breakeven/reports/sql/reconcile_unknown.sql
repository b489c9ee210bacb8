-- Calls whose usage is not known, by model and day.
SELECT provider, coalesce(model, model_requested, '') AS model, CAST(occurred_at AS DATE) AS day, CAST(sum(call_count) AS BIGINT) AS calls
FROM calls
WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    AND provider IN (SELECT unnest(CAST($providers AS VARCHAR[]))) AND state = 'usage_missing'
GROUP BY ALL
