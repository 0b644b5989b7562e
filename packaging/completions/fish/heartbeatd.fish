complete -c heartbeatd -l config -d 'Configuration file, the same on every node' -r -F
complete -c heartbeatd -l slot -d 'Be the member in this slot (1 to 10000)' -r
complete -c heartbeatd -l control -d 'Control socket, on which heartbeatctl asks' -r -F
complete -c heartbeatd -l bpf-dir -d 'Folder on a bpf file system for pinned maps and links, which outlive the daemon' -r -F
complete -c heartbeatd -l state -d 'Folder for what must survive a reboot: highest epoch, electors\' set, history' -r -F
complete -c heartbeatd -l check -d 'Only check the configuration and its key file, name every error, and exit (0: good, 78: not)'
complete -c heartbeatd -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatd -s V -l version -d 'Print version'
