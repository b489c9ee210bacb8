-- What was metered of some vendors, hour by hour: an invoice's day may start at another hour. Adjustments of invoices are left out, and
-- what was booked here only because its own period is closed: no invoice for these days bills it.
SELECT
    line.provider, coalesce(line.model, '') AS model, usage_class, coalesce(tier, '') AS tier, date_trunc('hour', line.occurred_at) AS hour,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind = 'list'), 0) AS HUGEINT) AS quantity,
    sum(cost) AS cost,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind = 'list' AND cost IS NULL), 0) AS HUGEINT) AS unpriced
FROM cost_lines AS line
LEFT JOIN (
    SELECT
        call_id, attempt,
        lower(coalesce(
            nullif(json_extract_string(pricing_context, '$.processing'), 'standard'), json_extract_string(pricing_context, '$.service_tier')
        )) AS tier
    FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
) AS tiers USING (call_id, attempt)
WHERE line.occurred_at >= CAST($start AS TIMESTAMP) AND line.occurred_at < CAST($end AS TIMESTAMP)
    AND line.provider IN (SELECT unnest(CAST($providers AS VARCHAR[]))) AND kind NOT LIKE 'invoice:%'
    AND coalesce(reason, '') NOT LIKE '%correction of a closed period'
GROUP BY ALL
HAVING sum(cost) <> 0 OR sum(quantity) FILTER (WHERE kind = 'list') <> 0
