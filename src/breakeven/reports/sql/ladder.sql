-- Calls of ladders by feature, answering rung, task class and whether they were held as control: what they cost with all that was
-- tried, and what the baseline would have cost. A rung without a model meters no tokens: its baseline is the median of what calls
-- of the same feature and template would have cost on the baseline, marked as estimated.
WITH answered AS (
    SELECT call_id, attempt, feature, rung, template, coalesce(task_class, workflow) AS task_class, baseline_cost, status,
        latency_ms, rungs_tried LIKE '[["ladder","control"]%' AS control
    FROM calls
    WHERE rungs_tried IS NOT NULL
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND ($feature IS NULL OR feature = $feature)
),
usual AS (
    SELECT feature, template, quantile_disc(baseline_cost, 0.5) AS baseline_cost
    FROM answered
    WHERE baseline_cost IS NOT NULL AND rung <> 'cache'
    GROUP BY feature, template
),
costs AS (
    SELECT call_id, attempt, sum(cost) AS cost,
        sum(CASE WHEN adjustment_of IS NULL THEN 1 ELSE -1 END) FILTER (WHERE state IN ('unpriced', 'usage_missing')) AS unknown
    FROM cost_lines
    WHERE call_id IN (SELECT call_id FROM answered)
    GROUP BY call_id, attempt
),
spent AS (
    SELECT answered.call_id,
        sum(costs.cost) AS cost,
        sum(costs.cost) FILTER (WHERE costs.attempt <> answered.attempt) AS beside,
        coalesce(sum(costs.unknown), 0) > 0 AS unknown
    FROM answered JOIN costs USING (call_id)
    GROUP BY answered.call_id
),
whole AS (
    SELECT answered.feature, rung, task_class, control, status, latency_ms, cost, coalesce(beside, 0) AS beside,
        coalesce(unknown, true) AS unknown,
        coalesce(answered.baseline_cost, CASE WHEN status = 'ok' THEN usual.baseline_cost END) AS baseline,
        answered.baseline_cost IS NULL AND usual.baseline_cost IS NOT NULL AS estimated
    FROM answered
    LEFT JOIN spent USING (call_id)
    LEFT JOIN usual ON answered.feature = usual.feature AND answered.template IS NOT DISTINCT FROM usual.template
)
SELECT
    feature, rung, control,
    count(*) AS calls,
    count(*) FILTER (WHERE status <> 'ok') AS failed,
    sum(cost) AS cost,
    sum(beside) AS beside,
    count(*) FILTER (WHERE unknown) AS cost_unknown_calls,
    sum(baseline) FILTER (WHERE NOT unknown) AS baseline,
    sum(baseline) FILTER (WHERE estimated AND NOT unknown) AS estimated,
    sum(cost) FILTER (WHERE baseline IS NOT NULL AND NOT unknown) AS compared_cost,
    count(*) FILTER (WHERE baseline IS NULL OR unknown) AS uncompared_calls,
    CAST(quantile_disc(latency_ms, 0.5) AS BIGINT) AS latency_ms
FROM whole
GROUP BY feature, rung, control
ORDER BY feature, calls DESC, rung, control
