-- Attempts by who was served by what: answered; answered or billed; of these with a known cost; and characters where they are told.
-- Read from the calls themselves: rollups do not count attempts after the first, nor characters.
WITH plans AS (
    SELECT customer, arg_max(plan, recorded_at) AS plan
    FROM customers
    WHERE customer IS NOT NULL {recorded}
    GROUP BY customer
),

made AS (
    SELECT
        feature, customer, provider, model, rung, state, input_characters, output_characters, output_tokens,
        call_count AS attempts,
        status IS NULL OR status = 'ok' AS good,
        input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0) AS read_tokens
    FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded} {filters}
)

SELECT
    feature, plan, provider, model, rung,
    CAST(coalesce(sum(attempts) FILTER (WHERE good), 0) AS BIGINT) AS good,
    CAST(coalesce(sum(attempts) FILTER (WHERE good OR state <> 'not_billed'), 0) AS BIGINT) AS counted,
    CAST(coalesce(
        sum(attempts) FILTER (WHERE (good OR state <> 'not_billed') AND state NOT IN ('unpriced', 'usage_missing')), 0
    ) AS BIGINT) AS known,
    CAST(coalesce(sum(input_characters) FILTER (WHERE input_characters > 0 AND read_tokens > 0), 0) AS HUGEINT) AS read_characters,
    CAST(coalesce(sum(read_tokens) FILTER (WHERE input_characters > 0 AND read_tokens > 0), 0) AS HUGEINT) AS read_tokens,
    CAST(coalesce(sum(attempts) FILTER (WHERE input_characters > 0 AND read_tokens > 0), 0) AS BIGINT) AS read_attempts,
    CAST(coalesce(sum(output_characters) FILTER (WHERE output_characters > 0 AND output_tokens > 0), 0) AS HUGEINT) AS written_characters,
    CAST(coalesce(sum(output_tokens) FILTER (WHERE output_characters > 0 AND output_tokens > 0), 0) AS HUGEINT) AS written_tokens,
    CAST(coalesce(sum(attempts) FILTER (WHERE output_characters > 0 AND output_tokens > 0), 0) AS BIGINT) AS written_attempts
FROM made LEFT JOIN plans USING (customer)
GROUP BY ALL
