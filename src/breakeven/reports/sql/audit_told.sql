-- Replays that may count as evidence, and what was tested last in each class and rung (model, prompt, settings): a certificate does not
-- outlive what it was given for. Scores and differences are in millionths.
told AS (
    SELECT
        *,
        coalesce(fingerprint, to_model, '') AS tested,
        coalesce(CAST(call_id AS VARCHAR), source_ref) AS task,
        coalesce(CAST(round(CAST(score_weak AS DOUBLE) * 1000000) AS INTEGER), -1) AS score,
        CAST(CASE WHEN score_weak IS NULL OR score_strong IS NULL THEN CASE WHEN agreed THEN 0 ELSE -1 END
            ELSE score_weak - score_strong END * 1000000 AS INTEGER) AS difference
    FROM replays
    WHERE recorded_at <= CAST($now AS TIMESTAMP) AND kind <> 'policy check'
),
latest AS (
    SELECT feature, task_class, to_rung, arg_max(tested, CAST(recorded_at AS VARCHAR) || tested) AS tested
    FROM told
    GROUP BY ALL
)
