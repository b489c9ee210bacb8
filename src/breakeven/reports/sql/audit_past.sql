-- The calls of a feature whose bodies may be kept: class, template, cost and state of each attempt that was answered, but for replays.
SELECT
    CAST(calls.call_id AS VARCHAR) AS call_id,
    calls.attempt,
    coalesce(task_class, workflow) AS task_class,
    template,
    paid.cost AS cost
FROM calls LEFT JOIN (SELECT call_id, attempt, sum(cost) AS cost FROM cost_lines GROUP BY call_id, attempt) AS paid
    ON paid.call_id = calls.call_id AND paid.attempt = calls.attempt
WHERE feature = CAST($feature AS VARCHAR) AND status = 'ok' AND environment IS DISTINCT FROM 'audit'
