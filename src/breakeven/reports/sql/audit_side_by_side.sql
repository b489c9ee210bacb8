-- Replays of a class by task and rung, the latest of each; first those on which the two answers differ, then the latest.
WITH latest AS (
    SELECT
        call_id,
        to_rung,
        to_model,
        CASE WHEN call_id IS NULL THEN replay_id END AS alone,  -- one of no known call is a task of its own
        arg_max(from_rung, recorded_at) AS from_rung,
        arg_max(from_model, recorded_at) AS from_model,
        arg_max(agreed, recorded_at) AS same,
        arg_max(scored_by, recorded_at) AS scored_by,
        max(recorded_at) AS last_at
    FROM replays
    WHERE feature = CAST($feature AS VARCHAR) AND task_class = CAST($task_class AS VARCHAR)
    GROUP BY ALL
)

SELECT CAST(call_id AS VARCHAR) AS call_id, to_rung, to_model, from_rung, from_model, same AS agreed, scored_by
FROM latest
ORDER BY same, last_at DESC, CAST(latest.call_id AS VARCHAR), to_rung
