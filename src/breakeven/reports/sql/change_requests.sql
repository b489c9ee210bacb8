-- Requests that vendors billed, retries included, by what a price depends on: each carries its feature's prompts once.
SELECT
    coalesce(feature, '') AS feature,
    provider,
    model,
    coalesce(pricing_context, '{}') AS context,
    coalesce(list_max(list_filter(
        CAST($thresholds AS BIGINT[]),
        lambda edge: edge < (coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0))
            // greatest(call_count, 1)
    )) + 1, 0) AS band,
    coalesce(model_requested, model, '') AS requested,
    CAST(sum(call_count) AS BIGINT) AS requests
FROM calls
WHERE
    occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    AND coalesce(feature, '') IN (SELECT unnest(CAST($features AS VARCHAR[])))
    AND state IS DISTINCT FROM 'not_billed'
GROUP BY ALL
ORDER BY ALL
