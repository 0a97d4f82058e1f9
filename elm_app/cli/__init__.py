"""The command line: a reader of runs' logs.

main              every command and its options (`settings_options`: one for every field of a settings dataclass)
run_command       a run to its end, telling how it goes (`progress`)
stream            the commands over files of problems: `stream` and `bench`
problems          files of problems on the command line
memories          `memories …` (`memory_card`)
runs              `runs …`
"""
