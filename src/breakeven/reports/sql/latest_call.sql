-- The last instant with a call.
SELECT max(occurred_at) AS latest FROM calls WHERE occurred_at >= (SELECT max(day) FROM rollup_calls)
