-- Calls by what policies look at: the dimensions they name, the model first asked for, and between which bounds tokens and cost lie.
-- A refused call saves all of its attempts; its first attempt says what it was.
WITH costs AS (
    SELECT
        call_id,
        sum(cost) AS cost
    FROM cost_lines
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    GROUP BY call_id
)

SELECT
    {keys},
    list_max(list_filter(
        CAST($token_bounds AS BIGINT[]),
        lambda edge: edge < (coalesce(calls.output_tokens, 0) + coalesce(calls.reasoning_tokens, 0)) // greatest(calls.call_count, 1)
    )) AS over_tokens,
    list_max(list_filter(
        CAST($cost_bounds AS DECIMAL(38, 18)[]), lambda edge: edge * greatest(calls.call_count, 1) < costs.cost
    )) AS over_cost,
    calls.state IN ('unpriced', 'usage_missing') AS cost_unknown,
    CAST(sum(calls.call_count) AS BIGINT) AS calls,
    sum(costs.cost) AS cost
FROM calls
LEFT JOIN costs ON calls.call_id = costs.call_id
WHERE
    calls.occurred_at >= CAST($start AS TIMESTAMP) AND calls.occurred_at < CAST($end AS TIMESTAMP)
    AND calls.attempt = 0
GROUP BY ALL
ORDER BY ALL
