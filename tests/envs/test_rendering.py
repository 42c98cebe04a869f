import dataclasses
import sys
import types

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import recenv  # noqa: F401 (registers the ids)
from recenv.causal import Behaviour
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.envs.render_scene import scenes
from recenv.envs.render_terminal import bar
from recenv.envs.rendering import FPS, MODES, MOST
from recenv.sb3 import RecSysVecEnv

PICTURE = (640, 960, 3)


def make(world, **options):
    return RecSysEnv(world=world, **{"horizon": 4, "behaviour": Behaviour(funnel=1.0), **options})


def played(env, actions, seed=0):
    env.reset(seed=seed)
    for action in actions:
        env.step(action)
    return env


@pytest.mark.parametrize("options", [{}, {"slate_size": 3}, {"candidates": 5}, {"observation": "history"}])
def test_a_picture_is_drawn_at_every_step_and_changes(world, options):
    env = make(world, render_mode="rgb_array", **options)
    env.reset(seed=0)
    frames = [env.render()]
    env.action_space.seed(0)
    for _ in range(2):
        env.step(env.action_space.sample())
        frames.append(env.render())
    for frame in frames:
        assert frame.shape == PICTURE
        assert frame.dtype == np.uint8
        assert frame.min() < 60
        assert frame.max() == 255
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[1], frames[2])


def test_drawing_moves_nothing(world):
    drawn, left = make(world, render_mode="rgb_array"), make(world)
    for action in [3, 4, 5]:
        for env in (drawn, left):
            env.reset(seed=1) if action == 3 else None
            env.step(action)
        drawn.render()
    np.testing.assert_array_equal(drawn.core.state.visible, left.core.state.visible)


def test_the_same_step_gives_the_same_picture(world):
    one, two = (played(make(world, render_mode="rgb_array"), [1, 2]).render() for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_a_scene_tells_what_happened(world):
    env = played(make(world, slate_size=2, behaviour=None), [[3, 9], [4, 4]])
    (scene,) = scenes(env.core, [0])
    user, outcome = env.core.state.user[0], env.outcome
    assert scene.heading == f"World {world.name}: user {world.user_ids[user]}, step 2 of 4"
    assert scene.outcome == f"Reward {env.core.out.reward[0]:.2f}."
    assert [title for title, _ in scene.history] == [world.titles[3], world.titles[9]]
    assert [felt for _, felt in scene.history] == pytest.approx(env.core.state.felt[0, :2].tolist())
    assert [shown.title for shown in scene.slate] == [world.titles[4], ""]
    assert f"rated {outcome['rating'][0]:g}" in scene.slate[0].response
    assert scene.slate[1].response == "empty position"
    assert scene.why == env.explain().words
    for name, shares in scene.causes:
        total = sum(share for _, share in shares)
        assert total == pytest.approx(outcome[name][0], abs=0.01)


@pytest.mark.parametrize(
    ("horizon", "behaviour", "end"),
    [(2, Behaviour(), "; the last step."), (4, Behaviour(leaving=1.0, h0=60.0, h1=0.0), "; the user left.")],
)
def test_the_end_of_a_session_is_told(world, horizon, behaviour, end):
    env = make(world, horizon=horizon, behaviour=behaviour)
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step(env.core.state.slot["step"][0])
        over = terminated or truncated
    assert scenes(env.core, [0])[0].outcome.endswith(end)


def test_before_the_first_step_there_is_only_the_user(world):
    env = make(world)
    env.reset(seed=0)
    (scene,) = scenes(env.core, [0])
    assert (scene.outcome, scene.history, scene.slate, scene.why, scene.causes) == (
        "The session begins.",
        (),
        (),
        (),
        (),
    )


def test_what_was_consumed_is_explained_first(world):
    """The focus is the first consumed position where there is one."""
    for seed in range(8):
        env = played(make(world, slate_size=4), [[1, 2, 3, 4]], seed)
        consumed = np.flatnonzero(env.outcome["consumed"])
        assert scenes(env.core, [0])[0].focus == (consumed[0] if len(consumed) else 0)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_each_slot_shows_its_own_last_response(world, mode):
    """Also where a slot has started anew within the step, as SAME_STEP does."""
    env = RecSysVectorEnv(3, world=world, horizon=2, autoreset_mode=mode, behaviour=Behaviour(leaving=0.0))
    env.reset(seed=0)
    env.step([1, 2, 3])
    env.step([4, 5, 6])
    seen = scenes(env.core, range(3))
    assert [scene.slate[0].title for scene in seen] == [world.titles[a] for a in (4, 5, 6)]
    assert [scene.history[0][0] for scene in seen] == [world.titles[a] for a in (1, 2, 3)]
    assert all("the last step" in scene.outcome for scene in seen)


def test_the_panel_names_the_user_the_history_the_response_and_why(world, capsys):
    env = make(world, render_mode="human")
    played(env, [3, 4])
    text = capsys.readouterr().out
    assert text.count("World synthetic-1") == 3
    for word in ("The session begins.", "History", "Shown now", world.titles[4], "Why", "Shown because", "taste"):
        assert word in text
    assert env.render() is None


@pytest.mark.parametrize(("felt", "blocks"), [(0.0, "░░░░░"), (0.5, "██░░░"), (1.0, "█████"), (np.nan, "     ")])
def test_a_rating_is_a_bar(felt, blocks):
    assert bar(felt) == blocks


def test_titles_are_neither_markup_nor_mathematics(world, capsys):
    titles = ("[red]$x_{1}$ [/wrong] and $", "映画 🎬", *world.titles[2:])
    odd = dataclasses.replace(world, titles=titles)
    assert played(make(odd, render_mode="rgb_array", slate_size=2), [[0, 1]]).render().shape == PICTURE
    played(make(odd, render_mode="human"), [0])
    assert "[red]$x_{1}$ [/wrong] and $" in capsys.readouterr().out


@pytest.mark.parametrize("make_one", [RecSysEnv, RecSysVectorEnv])
def test_an_unknown_mode_is_refused_with_the_valid_ones(world, make_one):
    with pytest.raises(ValueError, match="render_mode must be None or one of human, rgb_array, got 'ascii'"):
        make_one(world=world, render_mode="ascii")


def test_rendering_without_a_mode_names_the_argument(world):
    with pytest.raises(ValueError, match="make the environment with render_mode= one of human, rgb_array"):
        played(make(world), [1]).render()


@pytest.mark.parametrize("make_one", [RecSysEnv, RecSysVectorEnv])
def test_rendering_before_the_reset_is_refused(world, make_one):
    with pytest.raises(ResetNeeded, match=r"call reset\(\) before render\(\)"):
        make_one(world=world, render_mode="rgb_array").render()


def test_the_modes_are_declared(world):
    for env in (make(world), RecSysVectorEnv(world=world)):
        assert env.metadata["render_modes"] == list(MODES)
        assert env.metadata["render_fps"] == FPS


@pytest.mark.parametrize(("size", "frames"), [(2, 2), (MOST + 3, MOST)])
def test_a_vector_environment_draws_its_first_slots(world, size, frames):
    env = RecSysVectorEnv(size, world=world, render_mode="rgb_array")
    env.reset(seed=0)
    env.step(np.arange(size))
    drawn = env.render()
    assert isinstance(drawn, tuple)
    assert len(drawn) == frames
    alone = played(RecSysEnv(world=world, render_mode="rgb_array"), [1], seed=1)
    np.testing.assert_array_equal(drawn[1], alone.render())


def test_gymnasiums_checker_draws_in_every_mode(world, capsys):
    check_env(gym.make("RecSys-v0", world=world).unwrapped)
    assert "World" in capsys.readouterr().out


@pytest.fixture
def written(monkeypatch):
    """Frames that a recorder hands to the video encoder; the encoder itself is a library of its own."""
    clips = []

    class ImageSequenceClip:
        def __init__(self, frames, fps):
            assert fps == FPS
            clips.append(list(frames))

        def write_videofile(self, *_args, **_options):
            pass

    names = ("moviepy", "moviepy.video", "moviepy.video.io", "moviepy.video.io.ImageSequenceClip")
    for name in names:
        module = types.ModuleType(name)
        module.ImageSequenceClip = ImageSequenceClip
        monkeypatch.setitem(sys.modules, name, module)
    return clips


def test_gymnasiums_video_recorder_takes_the_pictures(world, tmp_path, written):
    env = gym.make("RecSys-v0", world=world, horizon=3, render_mode="rgb_array", behaviour="off")
    env = gym.wrappers.RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda _: True)
    played(env, [1, 2, 3])
    env.close()
    assert [frame.shape for frame in written[0]] == [PICTURE] * 4


def test_stable_baselines3s_video_recorder_takes_the_pictures(world, tmp_path, written):
    from stable_baselines3.common.vec_env import VecVideoRecorder

    env = RecSysVecEnv(2, world=world, render_mode="rgb_array")
    env = VecVideoRecorder(env, str(tmp_path), record_video_trigger=lambda step: step == 0, video_length=3)
    env.reset()
    for _ in range(4):
        env.step(np.array([1, 2]))
    env.close()
    assert {frame.shape for frame in written[0]} == {(2 * 640, 960, 3)}


def test_stable_baselines3_can_print_panels(world, capsys):
    env = RecSysVecEnv(2, world=world, render_mode="human")
    env.reset()
    capsys.readouterr()
    env.render()
    assert capsys.readouterr().out.count("World") == 2


def test_neither_library_is_imported_before_something_is_drawn():
    import subprocess

    code = (
        "import sys, recenv.envs.single, recenv.envs.vector; sys.exit(bool({'rich', 'matplotlib'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
