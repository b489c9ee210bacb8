-- The tier that most calls of each model were recorded on. What else a ladder calls its rungs (cache, names) says nothing of a model.
SELECT model, arg_max(rung, calls) AS rung
FROM (
    SELECT model, rung, sum(call_count) AS calls
    FROM rollup_calls
    WHERE model IS NOT NULL AND rung IN ('small', 'mid', 'frontier')
    GROUP BY ALL
)
GROUP BY model
ORDER BY model
