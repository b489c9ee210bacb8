-- One call as policies see it, by its first attempt, and what all of its attempts cost.
SELECT
    {keys},
    CAST(coalesce(calls.output_tokens, 0) + coalesce(calls.reasoning_tokens, 0) AS BIGINT) AS output_tokens,
    (SELECT sum(cost) FROM cost_lines WHERE call_id = TRY_CAST($call_id AS UUID)) AS cost,
    calls.state IN ('unpriced', 'usage_missing') AS cost_unknown
FROM calls
WHERE calls.call_id = TRY_CAST($call_id AS UUID) AND calls.attempt = 0
