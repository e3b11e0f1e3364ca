//! Whether the tables, indices and views of a file are those that this version makes.
//!
//! ```text
//!  sqlite_schema of the file ─▶ one of the layouts after migration 0, 1, … ─▶ migrate ─▶ the last of them
//! ```
//!
//! SQLite believes what a file says of its own tables, and the library in between gives up a thread, and with it
//! every later question, where that is no UTF-8. So the texts are read as bytes and compared before anything else is
//! asked. Promises to name what differs. Must never ask anything of a table whose text was not compared before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::error::StoreError;

/// What SQLite makes itself, for its own use.
const OWN: &[u8] = b"sqlite_";

/// What a file says of a table, an index or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Described {
    kind: Vec<u8>,
    table: Vec<u8>,
    text: Vec<u8>,
}

/// Everything that a file describes, by name.
type Layout = BTreeMap<Vec<u8>, Described>;

/// The layouts before the first migration and behind each. Worked out once, by migrating a store in memory.
static LAYOUTS: OnceLock<Vec<Layout>> = OnceLock::new();

/// Refuses a file that is laid out as no version up to this one left it. One that has everything of this version, and
/// more, is left to the migrations: they know what a newer version is.
pub(crate) async fn check_before(
    connection: &mut SqliteConnection,
    (migrator, path): (&Migrator, &Path),
) -> Result<(), StoreError> {
    let found = read(connection).await.map_err(StoreError::opening(path))?;
    let layouts = layouts(migrator, path).await?;
    let is_more = |newest: &Layout| newest.iter().all(|one| found.get(one.0) == Some(one.1));
    if layouts.contains(&found) || layouts.last().is_some_and(is_more) {
        return Ok(());
    }
    // The one that it was before something happened to it; the newest of several.
    let nearest = layouts.iter().rev().min_by_key(|one| distance(one, &found));
    nearest.map_or(Ok(()), |nearest| compare(nearest, &found, path))
}

/// Refuses a file that is not laid out as this version makes it.
pub(crate) async fn check_after(
    connection: &mut SqliteConnection,
    (migrator, path): (&Migrator, &Path),
) -> Result<(), StoreError> {
    let found = read(connection).await.map_err(StoreError::opening(path))?;
    let layouts = layouts(migrator, path).await?;
    let newest = layouts.last();
    newest.map_or(Ok(()), |newest| compare(newest, &found, path))
}

/// Read as bytes: a text would have to be UTF-8.
async fn read(connection: &mut SqliteConnection) -> Result<Layout, sqlx::Error> {
    let query = sqlx::query(
        "SELECT CAST(name AS BLOB), CAST(type AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB) \
         FROM sqlite_schema",
    );
    let mut layout = Layout::new();
    for row in query.fetch_all(connection).await? {
        let bytes = |column: usize| row.try_get::<Option<Vec<u8>>, _>(column);
        let name = bytes(0)?.unwrap_or_default();
        let described = Described {
            kind: bytes(1)?.unwrap_or_default(),
            table: bytes(2)?.unwrap_or_default(),
            text: bytes(3)?.unwrap_or_default(),
        };
        if !name.starts_with(OWN) {
            layout.insert(name, described);
        }
    }
    Ok(layout)
}

async fn layouts(migrator: &Migrator, path: &Path) -> Result<&'static [Layout], StoreError> {
    if let Some(layouts) = LAYOUTS.get() {
        return Ok(layouts);
    }
    let migrated = migrated(migrator).await;
    let layouts = migrated.map_err(|source| StoreError::Migrate {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    Ok(LAYOUTS.get_or_init(|| layouts))
}

async fn migrated(migrator: &Migrator) -> Result<Vec<Layout>, MigrateError> {
    let options = SqliteConnectOptions::new().in_memory(true);
    let mut connection = options.connect().await?;
    let mut layouts = vec![read(&mut connection).await?];
    for migration in migrator.iter() {
        let target = Some(migration.version);
        migrator.run_direct(target, &mut connection, false).await?;
        layouts.push(read(&mut connection).await?);
    }
    connection.close().await?;
    Ok(layouts)
}

/// How many objects are not the same in both.
fn distance(one: &Layout, other: &Layout) -> usize {
    let equal = one
        .iter()
        .filter(|(name, it)| other.get(*name) == Some(*it));
    one.len() + other.len() - 2 * equal.count()
}

fn compare(expected: &Layout, found: &Layout, path: &Path) -> Result<(), StoreError> {
    let differs = expected.iter().find_map(|(name, described)| {
        let what = match found.get(name) {
            None => "is missing",
            Some(found) if found != described => "is another one",
            Some(_) => return None,
        };
        Some((name, &described.kind, what))
    });
    let too_many = || {
        let mut found = found.iter();
        let one = found.find(|(name, _)| !expected.contains_key(*name));
        one.map(|(name, described)| (name, &described.kind, "is not ours"))
    };
    let Some((name, kind, what)) = differs.or_else(too_many) else {
        return Ok(());
    };
    let (kind, name) = (String::from_utf8_lossy(kind), String::from_utf8_lossy(name));
    Err(StoreError::Layout {
        path: path.to_owned(),
        object: format!("{kind} {name:?}"),
        what,
    })
}
