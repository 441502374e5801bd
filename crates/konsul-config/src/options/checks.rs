//! Services and checks of this agent, and how its checks run.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(
        services,
        "",
        "Services that this agent registers, each a block `service` or an entry of `services`. See the page on definitions."
    )
    .alias(&["service"])
    .unset("none")
    .secret()
    .live(),
    option!(
        checks,
        "",
        "Health checks of this node, or with `service_id` of a service, each a block `check` or an entry of `checks`. See the \
         page on definitions."
    )
    .alias(&["check"])
    .unset("none")
    .secret()
    .live(),
    option!(
        enable_script_checks,
        "false",
        "Lets checks run programs, also those that are registered over the API: whoever may register a check then runs \
         programs as this agent's user."
    )
    .flag("enable-script-checks"),
    option!(
        enable_local_script_checks,
        "false",
        "Lets checks run programs if they are defined in this agent's files."
    )
    .flag("enable-local-script-checks"),
    option!(
        check_update_interval,
        "5m",
        "About how long a check's new output waits before it is written to the catalogue, if nothing but the output has \
         changed; 0 writes it at once."
    )
    .durations("0s", "24h")
    .live(),
    option!(discard_check_output, "false", "Writes no output of checks to the catalogue.").live(),
    option!(
        check_output_max_size,
        "4096",
        "How much output of a check is kept. The catalogue takes 4096 bytes, and a check may ask for less."
    )
    .flag("check_output_max_size")
    .unit("bytes")
    .integers(1, 1_048_576),
    option!(
        check_config.allow_redirects,
        "false",
        "Lets HTTP checks follow redirects, as Consul's do, unless they say `disable_redirects`. Otherwise a redirect is an \
         answer, and a critical one."
    ),
    option!(
        check_config.allow_link_local,
        "false",
        "Lets checks go to link-local addresses such as 169.254.169.254, where clouds hand out credentials."
    ),
    option!(
        check_config.max_concurrent,
        "512",
        "How many checks may be running over the network at a time; further ones wait."
    )
    .unit("checks")
    .integers(1, 1_000_000),
    option!(
        check_config.max_processes,
        "64",
        "How many programs of checks may be running at a time, here and in containers; further ones wait."
    )
    .unit("programs")
    .integers(1, 100_000),
    option!(
        check_config.max_checks,
        "65536",
        "How many checks this agent runs. Registering further ones is refused."
    )
    .unit("checks")
    .integers(1, 10_000_000),
    option!(
        check_config.flap_changes,
        "10",
        "So many changes between critical and not critical within `check_config.flap_runs` runs make a check flapping, and it \
         is held critical until it is steady; 0 never does that."
    )
    .unit("changes")
    .integers(0, 64)
    .live(),
    option!(
        check_config.flap_runs,
        "20",
        "How many of its last runs are looked at to tell whether a check flaps."
    )
    .unit("runs")
    .integers(1, 64)
    .live(),
    option!(
        check_config.flap_steady,
        "5",
        "How many good runs in a row make a flapping check steady again."
    )
    .unit("runs")
    .integers(1, 1_000)
    .live(),
];
