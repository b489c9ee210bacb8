-- What the span of a finding and the same span of earlier weeks cost: by model and usage class, and by who may carry the excess.
WITH lines AS (
    SELECT
        len(list_filter(CAST($starts AS TIMESTAMP[]), lambda edge: edge <= occurred_at)) = len(CAST($starts AS TIMESTAMP[])) AS now,
        call_id, attempt, model, usage_class, kind, quantity, cost, feature, customer, workflow
    FROM cost_lines
    WHERE
        TRUE
        AND len(list_filter(CAST($starts AS TIMESTAMP[]), lambda edge: edge <= occurred_at))
            > len(list_filter(CAST($ends AS TIMESTAMP[]), lambda edge: edge <= occurred_at))
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {filters}
),

versions AS (
    SELECT call_id, attempt, coalesce(
        json_extract_string(tags, '$.prompt_version'),
        json_extract_string(tags, '$."prompt.version"'),
        json_extract_string(tags, '$."gen_ai.prompt.version"'),
        json_extract_string(tags, '$.version')
    ) AS version
    FROM calls
    WHERE tags IS NOT NULL AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {filters}
)

SELECT
    now,
    GROUPING(lines.model, usage_class, feature, customer, workflow, version) AS grouped,
    lines.model,
    usage_class,
    feature,
    customer,
    workflow,
    version,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind IN ('list', 'stated')), 0) AS HUGEINT) AS quantity,
    sum(cost) AS cost
FROM lines
LEFT JOIN versions USING (call_id, attempt)
GROUP BY GROUPING SETS (
    (now, lines.model, usage_class), (now, lines.model), (now, feature), (now, customer), (now, workflow), (now, version)
)
