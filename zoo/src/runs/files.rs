//! Reading whole files and writing them so that they are either old or new, never half of each.
//!
//! A training run that dies while it writes a checkpoint must leave the previous one intact. So a
//! file is filled under a temporary name in the same folder, flushed to the disk, and renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Why a file could not be read or written; one line, with the path and a way out.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {why}; {}", path.display(), advice(why))]
    Read {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The file could not be created, filled, or moved to its place.
    #[error("cannot write {}: {why}; {}", path.display(), advice(why))]
    Write {
        /// The file in question, under its final name.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The folder which should receive the file is missing.
    #[error("cannot write {}: its folder does not exist; create it with `mkdir -p {}`", path.display(), folder.display())]
    NoFolder {
        /// The file in question.
        path: PathBuf,
        /// The folder that is missing.
        folder: PathBuf,
    },
    /// The file is larger than anything that is read at once.
    #[error("{} holds {length} bytes, more than the {LARGEST} that are read at once; split it or take a part of it", path.display())]
    TooLarge {
        /// The file in question.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },
    /// The path names a folder, a device or a pipe.
    #[error("{} is not a regular file; give the path of a file", path.display())]
    NotAFile {
        /// The path in question.
        path: PathBuf,
    },
}

/// What the reader of the message can do about it.
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

/// The most that is read into memory at once.
pub const LARGEST: u64 = 8 << 30;

/// Reads a whole regular file of at most [`LARGEST`] bytes. Folders, devices and pipes are refused:
/// some of them never end.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let (file, length) = open(path)?;
    if length > LARGEST {
        return Err(FileError::TooLarge { path: path.to_owned(), length });
    }
    let mut bytes = Vec::new();
    // A length is only a promise (files can be sparse), and memory may be scarce: ask, don't take.
    usize::try_from(length)
        .map_err(io::Error::other)
        .and_then(|length| bytes.try_reserve_exact(length).map_err(io::Error::from))
        .and_then(|()| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|source| read_error(path, source))?;
    Ok(bytes)
}

/// Opens a regular file for reading and tells its length.
pub fn open(path: &Path) -> Result<(File, u64), FileError> {
    // Asked before opening: opening a pipe would wait for its other end.
    let metadata = fs::metadata(path).map_err(|source| read_error(path, source))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(|source| read_error(path, source))?;
    Ok((file, metadata.len()))
}

fn read_error(path: &Path, source: io::Error) -> FileError {
    FileError::Read { path: path.to_owned(), why: source }
}

/// Writes a file whole or not at all.
///
/// `fill` receives a buffered writer on a temporary file beside `path`. When it succeeds the data
/// is forced to the disk and the file takes its final name in one step; when it fails, the
/// temporary file is removed and whatever was at `path` before is untouched. A link is followed,
/// so the file it points to is replaced rather than the link; an existing file keeps its
/// permissions.
pub fn write_atomically<F>(path: &Path, fill: F) -> Result<(), FileError>
where
    F: FnOnce(&mut BufWriter<File>) -> io::Result<()>,
{
    let failed = |why| FileError::Write { path: path.to_owned(), why };
    let (target, folder) = place(path)?;
    let existing = fs::metadata(&target).ok();

    // Removed again when dropped, so every early return below cleans up.
    let temporary = temporary_in(&folder).map_err(failed)?;
    let (file, name) = temporary.into_parts();
    let mut writer = BufWriter::new(file);
    fill(&mut writer).map_err(failed)?;
    writer.flush().map_err(failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    if let Some(found) = existing {
        file.set_permissions(found.permissions()).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    name.persist(&target).map_err(|error| failed(error.error))?;
    // The rename itself lives in the folder. Not every system can sync one: best effort.
    if let Ok(folder) = File::open(&folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Whether a file of this name has a place to be written to, to be asked before the work that fills it: only
/// what cannot be known beforehand, such as a full disk, is left to fail then.
pub fn check_place(path: &Path) -> Result<(), FileError> {
    let (_, folder) = place(path)?;
    let written = temporary_in(&folder).map(drop);
    written.map_err(|why| FileError::Write { path: path.to_owned(), why })
}

/// The file that a name stands for, links followed, and the folder it is in.
fn place(path: &Path) -> Result<(PathBuf, PathBuf), FileError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) || target.file_name().is_none() {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !folder.is_dir() {
        return Err(FileError::NoFolder { path: path.to_owned(), folder });
    }
    Ok((target, folder))
}

/// How the names of files begin and end that are being written.
const PREFIX: &str = ".zoo-";
const SUFFIX: &str = ".partial";

/// Removes what a process that was killed while writing left in a folder, as far as that is possible.
/// Nothing else may be writing there.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A temporary file with the permissions any newly made file would have.
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
    fn replaces_a_file_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomically(&path, |w| w.write_all(b"old")).unwrap();
        write_atomically(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn failure_leaves_the_old_file_and_nothing_else() {
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
    fn folders_are_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |error| matches!(error, FileError::NotAFile { .. });
        assert!(refused(write_atomically(folder.path(), |_| Ok(())).unwrap_err()));
        assert!(refused(read(folder.path()).unwrap_err()));
    }

    #[test]
    fn a_file_larger_than_memory_is_not_even_tried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("4398046511104 bytes"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_keeps_permissions_and_spares_devices() {
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
        assert!(matches!(null, Err(FileError::NotAFile { .. })));
    }
}
