-- The calls of a feature whose bodies may be kept: class, template, cost and state of each attempt that was answered, but for replays.
SELECT
    CAST(calls.call_id AS VARCHAR) AS call_id,
    attempt,
    coalesce(task_class, workflow) AS task_class,
    template,
    (SELECT sum(cost) FROM cost_lines WHERE cost_lines.call_id = calls.call_id AND cost_lines.attempt = calls.attempt) AS cost
FROM calls
WHERE feature = CAST($feature AS VARCHAR) AND status = 'ok' AND environment IS DISTINCT FROM 'audit'
