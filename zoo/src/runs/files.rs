//! Reads whole files, and writes files atomically.
//!
//! If a training run dies while it writes a checkpoint, the previous one must stay intact. So a file is written under a
//! temporary name in the same folder, flushed to the disk, and renamed.

use anyhow::{Result, anyhow, bail};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The error for a file that cannot be used like this ("read", "write"): one line, with the path and what to do.
pub(crate) fn failure(verb: &str, path: &Path, why: &io::Error) -> anyhow::Error {
    anyhow!("cannot {verb} {}: {why}; {}", path.display(), advice(why))
}

/// The error for a folder, a device or a pipe.
fn not_a_file(path: &Path) -> anyhow::Error {
    let what = if path.is_dir() { "a folder, not a file" } else { "not a regular file" };
    anyhow!("{} is {what}; give the path of a file", path.display())
}

/// What to do about it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the spelling of the path",
        io::ErrorKind::PermissionDenied => "change its permissions or choose another path",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space or choose another disk",
        io::ErrorKind::ReadOnlyFilesystem => "choose a path on a disk that can be written",
        io::ErrorKind::InvalidFilename => "choose a shorter or plainer name",
        io::ErrorKind::OutOfMemory | io::ErrorKind::FileTooLarge => "take a smaller part of it",
        _ => "try again or choose another path",
    }
}

/// The largest file that is read at once, in bytes. Data and checkpoints are read in blocks.
pub const LARGEST: u64 = 1 << 30;

/// Reads a whole regular file of at most [`LARGEST`] bytes. Folders, devices and pipes are refused: some never end.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let (file, length) = open(path)?;
    if length > LARGEST {
        bail!(
            "{} holds {length} bytes, more than the {LARGEST} that are read at once; split it, or use a part of it",
            path.display()
        );
    }
    let mut bytes = Vec::new();
    // Files can be sparse and memory scarce: a failed reservation is an error, not a crash.
    usize::try_from(length)
        .map_err(io::Error::other)
        .and_then(|length| bytes.try_reserve_exact(length).map_err(io::Error::from))
        .and_then(|()| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|why| failure("read", path, &why))?;
    Ok(bytes)
}

/// Opens a regular file for reading, and returns its length too.
pub fn open(path: &Path) -> Result<(File, u64)> {
    // Before opening, because opening a pipe waits for its other end.
    let metadata = fs::metadata(path).map_err(|why| failure("read", path, &why))?;
    if !metadata.is_file() {
        return Err(not_a_file(path));
    }
    let file = File::open(path).map_err(|why| failure("read", path, &why))?;
    Ok((file, metadata.len()))
}

/// Writes a whole file, or nothing.
///
/// `fill` writes to a temporary file in the same folder. If it succeeds, the data is forced to the disk and the file
/// gets its final name in one step. If it fails, the temporary file is removed, and a file at `path` is untouched. A link
/// is followed: the file that it points to is replaced. An existing file keeps its permissions.
pub fn write_atomically<F>(path: &Path, fill: F) -> Result<()>
where
    F: FnOnce(&mut BufWriter<File>) -> io::Result<()>,
{
    write_to(path, place(path)?, fill)
}

/// As [`write_atomically`], but a link at `path` is replaced, and what it points to stays as it is. Until the new file is
/// whole, so is the link.
pub fn replace_atomically<F>(path: &Path, fill: F) -> Result<()>
where
    F: FnOnce(&mut BufWriter<File>) -> io::Result<()>,
{
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = if is_link { (path.to_owned(), folder.to_owned()) } else { place(path)? };
    write_to(path, place, fill)
}

fn write_to<F>(path: &Path, (target, folder): (PathBuf, PathBuf), fill: F) -> Result<()>
where
    F: FnOnce(&mut BufWriter<File>) -> io::Result<()>,
{
    let failed = |why: io::Error| failure("write", path, &why);
    let existing = fs::symlink_metadata(&target).ok().filter(fs::Metadata::is_file);

    // Removed when dropped, so every early return below cleans up.
    let temporary = temporary_in(&folder).map_err(failed)?;
    let (file, name) = temporary.into_parts();
    // Most files are written by one call.
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    fill(&mut writer).map_err(failed)?;
    writer.flush().map_err(failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    if let Some(found) = existing {
        file.set_permissions(found.permissions()).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    name.persist(&target).map_err(|error| failed(error.error))?;
    // The new name is stored in the folder. Not every system can sync a folder.
    if let Ok(folder) = File::open(&folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Removes a symbolic link at `path`, so that a new file takes its place. What it points to stays as it is.
pub fn replace_link(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::remove_file(path).map_err(|why| failure("replace", path, &why)),
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(failure("read", path, &why)),
        _ => Ok(()),
    }
}

/// Checks, before long work, that a file can be written here. What cannot be known in advance, such as a full disk, can
/// still fail later.
pub fn check_place(path: &Path) -> Result<()> {
    let (_, folder) = place(path)?;
    temporary_in(&folder).map(drop).map_err(|why| failure("write", path, &why))
}

/// The file that a path names, with links followed, and its folder.
fn place(path: &Path) -> Result<(PathBuf, PathBuf)> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) || target.file_name().is_none() {
        return Err(not_a_file(path));
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !folder.is_dir() {
        let (path, folder) = (path.display(), folder.display());
        bail!("cannot write {path}: its folder does not exist; create it with `mkdir -p {folder}`");
    }
    Ok((target, folder))
}

/// How the names of temporary files begin and end.
const PREFIX: &str = ".zoo-";
const SUFFIX: &str = ".partial";

/// Removes temporary files of a killed process from a folder, as far as possible. No other process may be writing there.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A temporary file with the permissions of any new file.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomically(&path, |w| w.write_all(b"old")).unwrap();
        write_atomically(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let error = write_atomically(&path, |w| {
            w.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert_eq!(read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a"]);
        let message = error.to_string();
        assert!(message.contains("free some space") && message.contains("a:"));
        assert!(!message.contains('\n'));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_only_by_a_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let [link, target] = ["link", "target"].map(|name| folder.path().join(name));
        fs::write(&target, "theirs").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        replace_atomically(&link, |_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(read(&link).unwrap(), b"theirs");
        replace_atomically(&link, |w| w.write_all(b"ours")).unwrap();
        assert_eq!([read(&link).unwrap(), read(&target).unwrap()], [b"ours".to_vec(), b"theirs".to_vec()]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no/such/file");
        for error in [write_atomically(&path, |_| Ok(())).unwrap_err(), check_place(&path).unwrap_err()] {
            assert!(error.to_string().contains("mkdir -p"), "{error}");
        }
        check_place(&folder.path().join("file")).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_file_larger_than_memory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("4398046511104 bytes"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_keeps_permissions_and_refuses_devices() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        write_atomically(&link, |w| w.write_all(b"new")).unwrap();
        assert_eq!(read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let null = write_atomically(Path::new("/dev/null"), |_| Ok(()));
        assert!(null.unwrap_err().to_string().contains("is not a regular file"));
    }
}
