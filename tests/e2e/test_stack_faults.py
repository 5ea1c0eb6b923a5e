"""`make up` in a damaged folder, beside other stacks, and with an emulator that hangs."""

import json
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pymongo import MongoClient

from local.emulator import Emulator
from local.files import write_private
from local.healing import heal
from local.mongod import Mongod
from local.ports import PortTaken, free_port, is_taken, wait_until_free
from local.process import Background, StartFailed
from local.settings import LocalSettings, from_environment
from local.stack import Stack


@pytest.fixture
def own(tmp_path: Path) -> LocalSettings:
    """The settings of a folder in which nothing has been started."""
    return LocalSettings(tmp_path / "own" / ".local", free_port(), free_port())


@pytest.fixture
def mongod(own: LocalSettings):
    server = Mongod(own.folder / "mongodb", own.mongodb_port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sleeper(tmp_path: Path):
    process = Background("sleeper", tmp_path / "sleeper")
    process.start(["sleep", "600"])
    yield process
    process.stop()


@pytest.fixture
def without_variables(monkeypatch):
    for name in ("LOCAL", "MONGODB_PORT", "AWS_PORT", "MONGODB_URI"):
        monkeypatch.delenv(f"CHANCERY_{name}", raising=False)


# ---- other programs on the ports


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_named_with_its_program_and_the_next_step(own, console, address):
    with socket.socket() as other:
        other.bind((address, 0))
        other.listen()
        taken = other.getsockname()[1]
        program = rf"Port {taken} is taken by .* of {Path.cwd()} \(pid {os.getpid()}\)"

        with pytest.raises(PortTaken, match=f"{program}.*CHANCERY_MONGODB_PORT=<port> make up"):
            Stack(replace(own, mongodb_port=taken), console).up()
        with pytest.raises(PortTaken, match=f"{program}.*CHANCERY_AWS_PORT=<port> make up"):
            Emulator(replace(own, aws_port=taken)).start()


def test_the_servers_of_another_folder_are_refused_and_not_stopped(own, mongod, tmp_path, console):
    copied = replace(own, folder=tmp_path / "copy" / ".local")
    shutil.copytree(own.folder, copied.folder)
    copy = Stack(copied, console)

    with pytest.raises(PortTaken, match=rf"is taken by mongod of {own.folder}/mongodb .*`make down` in its folder"):
        copy.up()
    copy.down()

    assert mongod.process.pid() is not None


def test_a_copied_folder_runs_on_another_port_with_its_records(mongod, tmp_path):
    with MongoClient(mongod.uri("admin")) as client:
        client.chancery.records.insert_one({"_id": 1})
    mongod.stop()
    shutil.copytree(mongod.folder, tmp_path / "copy")
    mongod.start()

    copy = Mongod(tmp_path / "copy", free_port())
    copy.start()

    with MongoClient(copy.uri("admin")) as client:
        assert client.chancery.records.find_one() == {"_id": 1}
    assert copy.process.pid() != mongod.process.pid()
    copy.stop()


def test_down_stops_exactly_the_processes_that_up_started(own, mongod, tmp_path, console):
    bystander = Mongod(tmp_path / "bystander", free_port())
    bystander.start()
    try:
        stack = Stack(own, console)

        stack.down()

        assert mongod.process.pid() is None
        assert not is_taken(mongod.port)
        assert bystander.process.pid() is not None
        stack.down()
        assert "Nothing to stop." in console.export_text(clear=False)
    finally:
        bystander.stop()


def test_only_a_process_that_was_started_for_the_folder_is_its_own(sleeper):
    stranger = subprocess.Popen(["sleep", "600"], cwd=sleeper.folder, start_new_session=True)
    pid = sleeper.pid()

    assert pid not in (None, stranger.pid)
    assert Background("another", sleeper.folder).pid() is None
    assert sleeper.stop()
    assert sleeper.pid() is None
    assert not sleeper.stop()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_process_is_found_after_its_folder_was_moved_or_its_files_were_lost(sleeper):
    pid = sleeper.pid()
    for file in sleeper.folder.iterdir():
        file.unlink()
    assert sleeper.pid() == pid
    moved = Background("sleeper", sleeper.folder.with_name("moved"))
    sleeper.folder.rename(moved.folder)

    assert sleeper.pid() is None
    assert moved.pid() == pid
    assert moved.stop()


# ---- ports


def test_both_ports_are_remembered_until_others_are_chosen(own, mongod, without_variables, monkeypatch):
    monkeypatch.setenv("CHANCERY_LOCAL", str(own.folder))
    own.aws.folder.mkdir()
    own.aws.port_file.write_text("4777")

    assert (from_environment().mongodb_port, from_environment().aws_port) == (own.mongodb_port, 4777)
    mongod.stop()
    assert (from_environment().mongodb_port, from_environment().aws_port) == (own.mongodb_port, 4777)
    monkeypatch.setenv("CHANCERY_MONGODB_PORT", "27999")
    monkeypatch.setenv("CHANCERY_AWS_PORT", "4888")
    assert (from_environment().mongodb_port, from_environment().aws_port) == (27999, 4888)


@pytest.mark.parametrize("lost", [None, "", "garbage", "-1", "70000"])
def test_a_lost_port_is_that_of_the_running_server_else_the_default(own, mongod, without_variables, monkeypatch, lost):
    monkeypatch.setenv("CHANCERY_LOCAL", str(own.folder))
    mongod.process.port_file.unlink() if lost is None else mongod.process.port_file.write_text(lost)

    assert from_environment().mongodb_port == own.mongodb_port
    mongod.stop()
    assert from_environment().mongodb_port == 27117


def test_another_port_for_a_running_server_is_refused_and_the_advice_works(own, mongod, console):
    other = replace(own, mongodb_port=free_port())

    with pytest.raises(StartFailed, match=f"make down && CHANCERY_MONGODB_PORT={other.mongodb_port} make up"):
        Stack(other, console).up()
    Stack(other, console).down()
    moved = Mongod(own.folder / "mongodb", other.mongodb_port)
    moved.start()

    with MongoClient(moved.uri("reader")) as client:
        assert client.chancery.audit_logs.find_one() is None
    assert other.mongodb.remembered_port() == other.mongodb_port


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "45 66"])
def test_a_port_that_is_none_is_named(without_variables, monkeypatch, text):
    monkeypatch.setenv("CHANCERY_AWS_PORT", text)

    with pytest.raises(StartFailed, match="CHANCERY_AWS_PORT is not a port"):
        from_environment()


# ---- damage


@pytest.mark.parametrize("content", [b"", b'{"apiUrl": "http', b"\xff\x00", b"[]"])
@pytest.mark.parametrize(
    "name",
    [
        *("stack.json", "aws/deployed.json", "external-passwords.json", "aws/port", "mongodb/port"),
        *("mongodb/keyfile", "mongodb/reader.password", "oidc/private.pem"),
    ],
)
def test_a_damaged_file_is_removed_with_a_line(own, name, content):
    file = own.folder / name
    write_private(file, "")
    file.write_bytes(content)

    (line,) = heal(own)

    assert line.startswith(f"{file} was damaged; ")
    assert not file.exists()
    assert heal(own) == []


def test_a_whole_folder_needs_no_healing_and_old_pid_files_do_not_matter(own, mongod):
    for name in ("aws.pid", "mongod.pid"):
        (own.folder / "mongodb" / name).write_text(json.dumps({"pid": 1, "started": "1"}))

    assert heal(own) == []
    assert mongod.process.pid() != 1


def test_a_server_whose_passwords_and_port_were_lost_starts_again(own, mongod):
    mongod.stop()
    for name in ("keyfile", "reader.password", "port"):
        (mongod.folder / name).write_text("")
    assert len(heal(own)) == 3
    again = Mongod(mongod.folder, free_port())

    again.start()

    with MongoClient(again.uri("reader")) as client:
        assert client.chancery.audit_logs.find_one() is None


def test_without_the_administrators_password_there_is_only_a_new_folder(own, mongod):
    mongod.stop()
    (mongod.folder / "admin.password").unlink()

    with pytest.raises(StartFailed, match=r"admin\.password is lost.*make clean && make up"):
        heal(own)


def test_a_server_whose_folder_was_deleted_is_stopped(own, mongod):
    shutil.rmtree(own.folder)

    assert heal(own) == ["mongod ran in a folder that was deleted; it is stopped and starts anew."]
    wait_until_free(own.mongodb_port)
    assert heal(own) == []


# ---- the emulator


def test_an_emulator_that_hangs_is_reported_and_down_ends_it(own):
    emulator = Emulator(own)
    emulator.start()
    pid = emulator.process.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    with pytest.raises(StartFailed, match=r"does not answer\. Restart it: make down && make up"):
        emulator.start()
    assert emulator.stop()

    assert emulator.process.pid() is None


def test_the_files_of_a_former_emulator_are_removed_at_start_and_stop(own):
    left = own.folder / "aws" / "tmp" / "ministack-lambda-left"
    left.mkdir(parents=True)
    emulator = Emulator(own)

    emulator.start()
    try:
        assert not left.exists()
        left.mkdir()
    finally:
        emulator.stop()

    assert not left.exists()
