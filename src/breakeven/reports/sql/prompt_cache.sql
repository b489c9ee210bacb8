-- Per feature and model: input tokens by what the vendor's cache did to them, what they would have cost as plain input, what they did cost.
WITH lines AS (
    SELECT call_id, attempt, part, line, feature, provider, model, usage_class, quantity, unit_price, cost
    FROM cost_lines
    WHERE kind = 'list' AND (usage_class = 'input' OR usage_class = 'cache_read' OR starts_with(usage_class, 'cache_write_'))
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
),
own AS (
    -- Of a restated call the newest price: reversals and what they reverse cancel out at any price.
    SELECT call_id, attempt, part, arg_max(unit_price, line) FILTER (WHERE quantity > 0) AS price
    FROM lines WHERE usage_class = 'input' GROUP BY call_id, attempt, part
),
usual AS (
    SELECT provider, model, unit_price AS price
    FROM (
        SELECT provider, model, unit_price, row_number() OVER (PARTITION BY provider, model ORDER BY count(*) DESC, unit_price) AS place
        FROM lines WHERE usage_class = 'input' AND unit_price IS NOT NULL
        GROUP BY provider, model, unit_price
    ) AS prices
    WHERE place = 1
),
priced AS (
    SELECT lines.feature, lines.provider, lines.model, usage_class, quantity, cost,
        quantity::DECIMAL(17,0) * coalesce(own.price, usual.price)::DECIMAL(21,18) AS plain
    FROM lines
    LEFT JOIN own USING (call_id, attempt, part)
    LEFT JOIN usual ON usual.provider = lines.provider AND usual.model = lines.model
),
used AS (
    SELECT feature, provider, model,
        CAST(sum(quantity) AS HUGEINT) AS input_tokens,
        CAST(coalesce(sum(quantity) FILTER (WHERE usage_class = 'cache_read'), 0) AS HUGEINT) AS read_tokens,
        CAST(coalesce(sum(quantity) FILTER (WHERE starts_with(usage_class, 'cache_write_')), 0) AS HUGEINT) AS written_tokens,
        CASE WHEN count(*) FILTER (WHERE usage_class <> 'input' AND (plain IS NULL OR cost IS NULL)) = 0
            THEN coalesce(sum(plain - cost) FILTER (WHERE usage_class <> 'input'), 0) END AS saved
    FROM priced GROUP BY feature, provider, model
),
reused AS (
    SELECT feature, provider, model, CAST(sum(call_count) AS HUGEINT) AS calls,
        CAST(sum(least(
            TRY_CAST(json_extract_string(tags, '$.cacheable_prefix_tokens') AS BIGINT),
            coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        )) AS HUGEINT) AS cacheable_tokens,
        CAST(sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)) FILTER (
            WHERE TRY_CAST(json_extract_string(tags, '$.cacheable_prefix_tokens') AS BIGINT) IS NOT NULL
        ) AS HUGEINT) AS told_tokens
    FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) AND status <> 'refused'
    GROUP BY feature, provider, model
)
SELECT used.feature, used.provider, used.model, coalesce(reused.calls, 0), used.input_tokens, used.read_tokens, used.written_tokens,
    used.saved, reused.cacheable_tokens, reused.told_tokens
FROM used LEFT JOIN reused ON reused.feature IS NOT DISTINCT FROM used.feature
    AND reused.provider IS NOT DISTINCT FROM used.provider AND reused.model IS NOT DISTINCT FROM used.model
WHERE used.input_tokens > 0
ORDER BY used.input_tokens DESC, 1, 2, 3
