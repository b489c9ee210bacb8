-- The rung that most calls of each model were recorded on.
SELECT model, arg_max(rung, calls) AS rung
FROM (
    SELECT model, rung, sum(call_count) AS calls
    FROM rollup_calls
    WHERE model IS NOT NULL AND rung IS NOT NULL
    GROUP BY ALL
)
GROUP BY model
ORDER BY model
