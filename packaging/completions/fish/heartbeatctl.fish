# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_heartbeatctl_global_optspecs
    string join \n control= h/help V/version
end

function __fish_heartbeatctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_heartbeatctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_heartbeatctl_using_subcommand
    set -l cmd (__fish_heartbeatctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -s V -l version -d 'Print version'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "status" -d 'Who is master, who answers, who holds the addresses (exit code 4 when no master is known)'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "top" -d 'The cluster at a glance, refreshed: on a terminal, until `q`'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "explain" -d 'Why this node is or is not master, and what would change it'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "history" -d 'Role changes of this node and what its services and hooks did, oldest first, and how long each step of a takeover lasted'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "alarms" -d 'Alarms in force, since when and what to do, and who heard of them: delivered, waiting, failing with what error'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "switchover" -d 'Hand mastership to another node, in order; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "reload" -d 'Have the daemon read its configuration file again, and go by it: all of it, or nothing'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "check-config" -d 'Check a configuration file and its key file, and say what it would change (exit code 78: it is wrong)'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "doctor" -d 'Look at this machine: what on it stands in the way of a fast and safe failover, and what to do (exit code 1: a fault)'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "tune" -d 'Which period and multiplier this network and this machine carry, by what the kernel and the pulse counted (exit code 1: the counts are too few to say)'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "bundle" -d 'Everything for a report of a fault in one file, without secrets'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "restart" -d 'Have the daemon exit for the next one, keeping mastership: for its upgrade'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "promote" -d 'Make this node master without a majority, when one is gone for good; asks for the cluster\'s name'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "members" -d 'Members and electors: which set is in force, what the configuration file proposes, how far a change is'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "nodes" -d 'What every node is: host, versions, interfaces and drivers, boot; asked of each now, or as it last said'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "info" -d 'The cluster\'s dynamic information: small values that every later master has, under keys'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "maintenance" -d 'Keep this node from becoming master, for work on it; a master hands over first'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "maps" -d 'Which pinned map holds what, with the bpftool line that dumps it'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "keygen" -d 'Write a new cluster key of 256 random bits, to be copied to every node'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "convert" -d 'Make a heartbeatd.toml of keepalived\'s configuration, and say what of it could not be carried over'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "replay" -d 'Step the election through what a daemon recorded ([recorder] in its configuration), and show each decision with its reason'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "detach" -d 'Remove what a dead daemon left: its virtual addresses, then its kernel programs and maps'
complete -c heartbeatctl -n "__fish_heartbeatctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand status" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand status" -l json -d 'As JSON, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand top" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand explain" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand explain" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand history" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand history" -l cluster -d 'What happened to the whole cluster instead, as its masters wrote it down: masterships, what each saw differently from the one before, alarms'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand history" -l json -d 'As JSON, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand history" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and not __fish_seen_subcommand_from test help" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and not __fish_seen_subcommand_from test help" -l json -d 'As JSON, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and not __fish_seen_subcommand_from test help" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and not __fish_seen_subcommand_from test help" -f -a "test" -d 'Send a test alarm to every sink, and say how each took it (exit code 1: one did not)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and not __fish_seen_subcommand_from test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and __fish_seen_subcommand_from test" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and __fish_seen_subcommand_from test" -l json -d 'As JSON, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and __fish_seen_subcommand_from help" -f -a "test" -d 'Send a test alarm to every sink, and say how each took it (exit code 1: one did not)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand alarms; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand switchover" -l to -d 'Slot to hand mastership to (1 to 10000); by default the successor that `status` names' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand switchover" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand switchover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand reload" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand check-config" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand check-config" -l diff -d 'Every difference from what the daemon goes by, and whether a reload applies it (exit code 1: a reload would be refused)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand check-config" -l json -d 'As JSON'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand check-config" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand doctor" -l config -d 'The configuration to go by' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand doctor" -l slot -d 'Be the member in this slot (1 to 10000); by default found by its management address' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand doctor" -l seconds -d 'How long to watch the processor, in seconds (1 to 600)' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand doctor" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand doctor" -l json -d 'As JSON'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand tune" -l false-failovers -d 'How many failovers without a failure are borne in the whole cluster: a number and hour, day, week, month or year' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand tune" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand tune" -l json -d 'As JSON'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand tune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -l output -d 'The archive to write (.tar.gz), which must not exist; by default one of this host and time in this folder' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -l config -d 'The configuration to go by' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -l slot -d 'Be the member in this slot (1 to 10000); by default found by its management address' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -l bpf-dir -d 'The daemon\'s folder of pinned maps; by default /sys/fs/bpf/heartbeatd/<cluster>' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -l record -d 'The end of the recorder\'s file too ([recorder]), with every address and message of the election'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand bundle" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand restart" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand promote" -l cluster -d 'The cluster\'s name, for scripts: nothing is asked then' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand promote" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand promote" -l force -d 'That no majority stands behind it'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and not __fish_seen_subcommand_from apply help" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and not __fish_seen_subcommand_from apply help" -l json -d 'As JSON, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and not __fish_seen_subcommand_from apply help" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and not __fish_seen_subcommand_from apply help" -f -a "apply" -d 'Put the electors and max_lease of the master\'s configuration file in force, one elector at a time; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and not __fish_seen_subcommand_from apply help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and __fish_seen_subcommand_from apply" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Put the electors and max_lease of the master\'s configuration file in force, one elector at a time; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand members; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand nodes" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand nodes" -l json -d 'As JSON, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand nodes" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "get" -d 'Write a value to the standard output, as it is (exit code 1: there is none)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "put" -d 'Store a value of at most 1 MiB'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "delete" -d 'Delete a value'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "list" -d 'Entries whose keys begin so, in the keys\' order'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "watch" -d 'Changes of keys that begin so, one JSON object a line, until it is ended'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "force" -d 'Have the master go on without the stores that are silent; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "store" -d 'How this node\'s store is, and on the master whose store counts, lags or is refilled'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and not __fish_seen_subcommand_from get put delete list watch force store help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from get" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from get" -l local -d 'From this node\'s own copy, which may lag behind the master\'s'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from get" -l json -d 'As JSON, with its revision'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from put" -l file -d 'Take the value from this file; - is the standard input' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from put" -l if-revision -d 'Only if this is the entry\'s newest change (exit code 1: it is not)' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from put" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from put" -l if-absent -d 'Only if there is no such entry (exit code 1: there is)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from delete" -l if-revision -d 'Only if this is the entry\'s newest change (exit code 1: it is not)' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from delete" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from list" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from list" -l local -d 'From this node\'s own copy, which may lag behind the master\'s'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from list" -l json -d 'As JSON, with whole values'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from watch" -l since -d 'From behind this revision; from now on without it (exit code 1: it is too old to be kept)' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from watch" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from force" -l cluster -d 'The cluster\'s name, for scripts: nothing is asked then' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from force" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from force" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from store" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from store" -l json -d 'As JSON'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from store" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "get" -d 'Write a value to the standard output, as it is (exit code 1: there is none)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "put" -d 'Store a value of at most 1 MiB'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete a value'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "list" -d 'Entries whose keys begin so, in the keys\' order'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Changes of keys that begin so, one JSON object a line, until it is ended'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "force" -d 'Have the master go on without the stores that are silent; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "store" -d 'How this node\'s store is, and on the master whose store counts, lags or is refilled'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand info; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand maintenance" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand maintenance" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand maps" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand maps" -l json -d 'As JSON'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand maps" -s h -l help -d 'Print help'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand keygen" -l out -d 'Key file to write' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand keygen" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand keygen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand convert" -l output -d 'The file to write, which must not exist; by default the standard output, and the report the standard error' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand convert" -l config-id -d 'Whose lines beginning with @ count (keepalived\'s --config-id); by default this host\'s' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand convert" -l witness -d 'Address of the third machine that votes with two' -r
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand convert" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand convert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand replay" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand replay" -l all -d 'Every event and command, and not only those that decide something'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand replay" -l json -d 'One JSON object a line, with durations in microseconds'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand detach" -l config -d 'Configuration that names the cluster; not needed with --bpf-dir' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand detach" -l bpf-dir -d 'The daemon\'s folder of pinned maps and links; by default /sys/fs/bpf/heartbeatd/<cluster>' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand detach" -l control -d 'Control socket of the daemon to ask' -r -F
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand detach" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "status" -d 'Who is master, who answers, who holds the addresses (exit code 4 when no master is known)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "top" -d 'The cluster at a glance, refreshed: on a terminal, until `q`'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "explain" -d 'Why this node is or is not master, and what would change it'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "history" -d 'Role changes of this node and what its services and hooks did, oldest first, and how long each step of a takeover lasted'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "alarms" -d 'Alarms in force, since when and what to do, and who heard of them: delivered, waiting, failing with what error'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "switchover" -d 'Hand mastership to another node, in order; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "reload" -d 'Have the daemon read its configuration file again, and go by it: all of it, or nothing'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "check-config" -d 'Check a configuration file and its key file, and say what it would change (exit code 78: it is wrong)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "doctor" -d 'Look at this machine: what on it stands in the way of a fast and safe failover, and what to do (exit code 1: a fault)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "tune" -d 'Which period and multiplier this network and this machine carry, by what the kernel and the pulse counted (exit code 1: the counts are too few to say)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "bundle" -d 'Everything for a report of a fault in one file, without secrets'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "restart" -d 'Have the daemon exit for the next one, keeping mastership: for its upgrade'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "promote" -d 'Make this node master without a majority, when one is gone for good; asks for the cluster\'s name'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "members" -d 'Members and electors: which set is in force, what the configuration file proposes, how far a change is'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "nodes" -d 'What every node is: host, versions, interfaces and drivers, boot; asked of each now, or as it last said'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "info" -d 'The cluster\'s dynamic information: small values that every later master has, under keys'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "maintenance" -d 'Keep this node from becoming master, for work on it; a master hands over first'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "maps" -d 'Which pinned map holds what, with the bpftool line that dumps it'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "keygen" -d 'Write a new cluster key of 256 random bits, to be copied to every node'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "convert" -d 'Make a heartbeatd.toml of keepalived\'s configuration, and say what of it could not be carried over'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "replay" -d 'Step the election through what a daemon recorded ([recorder] in its configuration), and show each decision with its reason'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "detach" -d 'Remove what a dead daemon left: its virtual addresses, then its kernel programs and maps'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and not __fish_seen_subcommand_from status top explain history alarms switchover reload check-config doctor tune bundle restart promote members nodes info maintenance maps keygen convert replay detach help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from alarms" -f -a "test" -d 'Send a test alarm to every sink, and say how each took it (exit code 1: one did not)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from members" -f -a "apply" -d 'Put the electors and max_lease of the master\'s configuration file in force, one elector at a time; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "get" -d 'Write a value to the standard output, as it is (exit code 1: there is none)'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "put" -d 'Store a value of at most 1 MiB'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "delete" -d 'Delete a value'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "list" -d 'Entries whose keys begin so, in the keys\' order'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "watch" -d 'Changes of keys that begin so, one JSON object a line, until it is ended'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "force" -d 'Have the master go on without the stores that are silent; ask the master\'s daemon'
complete -c heartbeatctl -n "__fish_heartbeatctl_using_subcommand help; and __fish_seen_subcommand_from info" -f -a "store" -d 'How this node\'s store is, and on the master whose store counts, lags or is refilled'
