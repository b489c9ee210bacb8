-- What features ('' stands for none) used in a period, by what a price depends on: provider, model, context, long-context band, class.
-- Quantities are those of list prices (an adjustment repeats them); costs are those of all lines.
WITH attempts AS (
    SELECT
        call_id,
        attempt,
        coalesce(feature, '') AS feature,
        coalesce(pricing_context, '{}') AS context,
        coalesce(list_max(list_filter(
            CAST($thresholds AS BIGINT[]),
            lambda edge: edge < (coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0))
                // greatest(call_count, 1)
        )) + 1, 0) AS band,
        coalesce(model_requested, model, '') AS requested
    FROM calls
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND coalesce(feature, '') IN (SELECT unnest(CAST($features AS VARCHAR[])))
),

lines AS (
    SELECT call_id, attempt, provider, model, usage_class, kind, quantity, cost, adjustment_of
    FROM cost_lines
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND usage_class IS NOT NULL AND state <> 'not_billed'
)

SELECT
    attempts.feature,
    lines.provider,
    lines.model,
    attempts.context,
    attempts.band,
    attempts.requested,
    lines.usage_class,
    CAST(coalesce(sum(lines.quantity) FILTER (WHERE lines.kind IN ('list', 'stated')), 0) AS HUGEINT) AS quantity,
    sum(lines.cost) AS cost
FROM lines
INNER JOIN attempts ON lines.call_id = attempts.call_id AND lines.attempt = attempts.attempt
GROUP BY ALL
ORDER BY ALL
