"""The second bound: LP-based spatial branch and bound on outer linear models, solved by HiGHS."""
