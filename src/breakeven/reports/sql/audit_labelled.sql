-- Whether any call says its task class apart from its workflow: then lines must be read, because rollups do not know it.
SELECT 1 FROM calls WHERE task_class IS NOT NULL LIMIT 1
