"""What a project is: a repository where its sessions tell one, however many worktrees; else a folder."""

REPOSITORIES = """
SELECT git_repo, substr(min(format('%06d', length(cwd)) || cwd), 7) AS folder
FROM (
    SELECT DISTINCT git_repo, cwd FROM sessions WHERE git_repo IS NOT NULL AND cwd IS NOT NULL
    UNION ALL
    SELECT git_repo, cwd FROM pruned_sessions WHERE git_repo IS NOT NULL AND cwd IS NOT NULL
)
GROUP BY git_repo
"""
"""A repository is called by the shortest of its folders: worktrees lie deeper."""

OF_SESSIONS = f"""
SELECT session_key, coalesce(r.folder, s.cwd) AS project, r.folder IS NOT NULL AS of_repository
FROM sessions AS s LEFT JOIN ({REPOSITORIES}) AS r USING (git_repo)
"""
"""A session's project. Where it isn't `of_repository`, a turn's is its own folder, if it says one."""
