-- The attempts of one call, found by its id or by the id that its source gave it.
SELECT
    CAST(call_id AS VARCHAR) AS call_id, attempt, occurred_at, recorded_at, call_count, provider, api, model_requested, model, pricing_context,
    status, http_status, latency_ms, state, stated_cost, feature, team, customer, user_id, workflow, environment, trace_id, tags,
    attribution_sources, rung, source, source_ref
FROM calls
WHERE {which}
ORDER BY occurred_at, call_id, attempt
LIMIT CAST($limit AS BIGINT)
