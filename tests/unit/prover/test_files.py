"""Files appear whole or not at all; working folders do not outlive their process."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from zkinfer import FolderNotEmpty, OutputNotWritable
from zkinfer._files import WorkFolder, write_folder_whole, write_whole


def run_and_wait_for_kill(code, *arguments):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *arguments], timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    target = tmp_path / "key"
    target.write_bytes(b"old")

    def fail():
        with write_whole(target) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert os.listdir(tmp_path) == ["key"]
    assert target.read_bytes() == b"old"


def test_killed_while_writing_leaves_the_old_file_and_the_next_writer_cleans_up(tmp_path):
    target = tmp_path / "key"
    target.write_bytes(b"old")
    run_and_wait_for_kill(
        """
        import os, signal, sys
        from pathlib import Path
        from zkinfer._files import write_whole
        with write_whole(Path(sys.argv[1])) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        str(target),
    )
    assert target.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2  # the half that was written, under another name
    with write_whole(target) as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == ["key"]
    assert target.read_bytes() == b"new"


def test_a_folder_appears_whole(tmp_path):
    made = write_folder_whole(tmp_path / "new", {"a": b"1", "b/c": b"2"})
    assert made == (tmp_path / "new").resolve()
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*")) == ["a", "b", "b/c"]
    assert (made / "b" / "c").read_bytes() == b"2"
    mask = os.umask(0)
    os.umask(mask)
    assert made.stat().st_mode & 0o777 == 0o777 & ~mask
    assert os.listdir(tmp_path) == ["new"]


def test_a_folder_replaces_an_empty_one_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    write_folder_whole(tmp_path / "empty", {"a": b"1"})
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for taken in ("empty", "file", "here"):
        with pytest.raises(FolderNotEmpty):
            write_folder_whole(tmp_path / taken, {"a": b"2"})
    assert (tmp_path / "empty" / "a").read_bytes() == b"1"
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "here"]


def test_a_folder_that_fills_while_another_is_written_is_left_alone(tmp_path):
    class Slow(dict):
        def items(self):
            yield "a", b"1"
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "theirs").write_bytes(b"0")

    with pytest.raises(FolderNotEmpty):
        write_folder_whole(tmp_path / "new", Slow(a=b"1"))
    assert os.listdir(tmp_path) == ["new"]
    assert os.listdir(tmp_path / "new") == ["theirs"]


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputNotWritable):
        write_folder_whole(tmp_path / "none" / "new", {"a": b"1"})
    with pytest.raises(OutputNotWritable):
        write_folder_whole(tmp_path / "new", {"a": b"1", "a/b": b"2"})
    assert os.listdir(tmp_path) == []


def test_killed_while_writing_a_folder_leaves_none_and_the_next_writer_cleans_up(tmp_path):
    target = tmp_path / "project"
    run_and_wait_for_kill(
        """
        import os, signal, sys
        from pathlib import Path
        from zkinfer._files import write_folder_whole
        class Files(dict):
            def items(self):
                yield "a", b"half"
                os.kill(os.getpid(), signal.SIGKILL)
        write_folder_whole(Path(sys.argv[1]), Files(a=b"half"))
        """,
        str(target),
    )
    assert not target.exists()
    assert len(os.listdir(tmp_path)) == 1  # the half that was written, under another name
    write_folder_whole(target, {"a": b"whole"})
    assert os.listdir(tmp_path) == ["project"]
    assert (target / "a").read_bytes() == b"whole"


def test_a_missing_folder_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputNotWritable), write_whole(tmp_path / "none" / "key"):
        pass


def test_work_folders_are_private_and_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with WorkFolder() as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        with WorkFolder() as other:
            assert other.path != folder.path  # the sweep leaves a folder in use alone
            assert folder.path.is_dir()
    assert os.listdir(tmp_path) == []


def test_the_folder_of_a_killed_process_is_swept_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run_and_wait_for_kill(
        """
        import os, signal, sys, tempfile
        tempfile.tempdir = sys.argv[1]
        from zkinfer._files import WorkFolder
        folder = WorkFolder()
        (folder.path / "witness.json").write_text("secret")
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        str(tmp_path),
    )
    assert len(os.listdir(tmp_path)) == 1
    with WorkFolder() as folder:
        assert os.listdir(tmp_path) == [folder.path.name]
