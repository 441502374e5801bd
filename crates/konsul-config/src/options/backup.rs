//! The backups that the agent makes of its own accord.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(
        backup.directory,
        "",
        "Directory in which the agent keeps backups of the whole state. It is made if it does not exist. Several nodes \
         may share one if their names are in `backup.name`."
    )
    .unset("no backups are made"),
    option!(
        backup.interval,
        "1h",
        "How long after a backup the next one is made; up to a tenth is added, so that not all nodes do it at once. \
         After twice this time without one, the health line of the backups turns red."
    )
    .durations("1s", "8760h"),
    option!(
        backup.name,
        "konsul-{node}-{time}-{index}.snap",
        "Name of a backup's file. `{node}`, `{datacenter}`, `{time}` (UTC) and `{index}` are filled in; `{time}` or \
         `{index}` must be there. Only files of such names are ever removed."
    ),
    option!(backup.keep, "24", "How many backups are kept. Older ones are removed after a new one was made.")
        .unit("files")
        .integers(1, 100_000),
    option!(
        backup.keep_age,
        "0s",
        "How old a backup may become before it is removed; 0 for any age. The newest one stays in any case."
    )
    .durations("0s", "87600h"),
    option!(
        backup.drill,
        "true",
        "Reads the newest backup into memory and compares it with what was written. While it runs that takes as much \
         memory as the state."
    ),
    option!(
        backup.drill_interval,
        "0s",
        "How long after a drill the next one is made; 0 for one after each backup."
    )
    .durations("0s", "8760h"),
];
