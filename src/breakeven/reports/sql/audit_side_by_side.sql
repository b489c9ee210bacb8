-- Replays of a class by task and rung, the latest of each; first those on which the two answers differ, then the latest.
SELECT
    CAST(call_id AS VARCHAR) AS call_id,
    to_rung,
    to_model,
    arg_max(from_rung, recorded_at) AS from_rung,
    arg_max(from_model, recorded_at) AS from_model,
    arg_max(agreed, recorded_at) AS agreed,
    arg_max(scored_by, recorded_at) AS scored_by
FROM replays
WHERE feature = CAST($feature AS VARCHAR) AND task_class = CAST($task_class AS VARCHAR)
GROUP BY call_id, to_rung, to_model, CASE WHEN call_id IS NULL THEN replay_id END  -- one of no known call is a task of its own
ORDER BY agreed, max(recorded_at) DESC, call_id, to_rung
