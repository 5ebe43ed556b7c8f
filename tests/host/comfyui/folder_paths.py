"""Where things lie below the base folder; as much of ComfyUI's module as packs and the host ask.

Source: folder_paths.py at 3cd7b32f.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from comfy.cli_args import args

_TIME_MARKS = {
    "%year%": "%Y",
    "%month%": "%m",
    "%day%": "%d",
    "%hour%": "%H",
    "%minute%": "%M",
    "%second%": "%S",
}
MODEL_FILES = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}

base_path = os.path.abspath(args.base_directory)
models_dir = os.path.join(base_path, "models")

_FOLDERS = {  # kind -> folders below models/, where they differ from the kind
    "text_encoders": ["text_encoders", "clip"],
    "diffusion_models": ["unet", "diffusion_models"],
    "controlnet": ["controlnet", "t2i_adapter"],
}
_KINDS = [
    *("checkpoints", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision"),
    *("style_models", "embeddings", "diffusers", "vae_approx", "controlnet", "gligen"),
    *("upscale_models", "latent_upscale_models", "hypernetworks", "photomaker"),
    *("model_patches", "audio_encoders"),
]

folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {
    kind: ([os.path.join(models_dir, one) for one in _FOLDERS.get(kind, [kind])], MODEL_FILES)
    for kind in _KINDS
}
folder_names_and_paths["configs"] = ([os.path.join(models_dir, "configs")], {".yaml"})
folder_names_and_paths["classifiers"] = ([os.path.join(models_dir, "classifiers")], {""})
folder_names_and_paths["custom_nodes"] = ([os.path.join(base_path, "custom_nodes")], set())


def get_input_directory() -> str:
    return os.path.join(base_path, "input")


def get_output_directory() -> str:
    return os.path.join(base_path, "output")


def get_temp_directory() -> str:
    return os.path.join(base_path, "temp")


def get_user_directory() -> str:
    return os.path.join(base_path, "user")


def get_public_user_directory(user_id: str) -> str | None:
    """None for a user of the system's own, whose files no route gives out."""
    hidden = not user_id or user_id.startswith("__")
    return None if hidden else os.path.join(get_user_directory(), user_id)


def get_system_user_directory(name: str = "system") -> str:
    return os.path.join(get_user_directory(), f"__{name}")


def get_directory_by_type(type_name: str) -> str | None:
    known = {
        "input": get_input_directory,
        "output": get_output_directory,
        "temp": get_temp_directory,
    }
    return known[type_name]() if type_name in known else None


def map_legacy(folder_name: str) -> str:
    return {"unet": "diffusion_models", "clip": "text_encoders"}.get(folder_name, folder_name)


def get_folder_paths(folder_name: str) -> list[str]:
    return list(folder_names_and_paths[map_legacy(folder_name)][0])


def add_model_folder_path(
    folder_name: str, full_folder_path: str, is_default: bool = False
) -> None:
    paths, _ = folder_names_and_paths.setdefault(map_legacy(folder_name), ([], set()))
    if full_folder_path not in paths:
        paths.insert(0 if is_default else len(paths), full_folder_path)


def get_filename_list(folder_name: str) -> list[str]:
    """The files of a kind, relative to the folders of that kind."""
    folders, suffixes = folder_names_and_paths[map_legacy(folder_name)]
    return sorted(
        {
            str(path.relative_to(folder))
            for folder in folders
            for path in Path(folder).rglob("*")
            if path.is_file() and (not suffixes or path.suffix.lower() in suffixes)
        }
    )


def get_full_path(folder_name: str, filename: str) -> str | None:
    paths = [os.path.join(folder, filename) for folder in get_folder_paths(folder_name)]
    return next((one for one in paths if os.path.isfile(one)), None)


def annotated_filepath(name: str) -> tuple[str, str | None]:
    """`a.png [output]` -> ("a.png", the output folder)."""
    for kind in ("output", "input", "temp"):
        if name.endswith(f"[{kind}]"):
            return name[: -len(kind) - 3], get_directory_by_type(kind)
    return name, None


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    name, folder = annotated_filepath(name)
    return os.path.join(folder or default_dir or get_input_directory(), name)


def exists_annotated_filepath(name: str) -> bool:
    return os.path.exists(get_annotated_filepath(name))


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    """Folder, stem, next number, sub-folder and prefix for files `<stem>_<number>_…`."""
    prefix = filename_prefix.replace("%width%", str(image_width))
    prefix = os.path.normpath(prefix.replace("%height%", str(image_height)))
    for mark, form in _TIME_MARKS.items():
        prefix = prefix.replace(mark, time.strftime(form))
    subfolder, stem = os.path.split(prefix)
    folder = os.path.abspath(os.path.join(output_dir, subfolder))
    if os.path.commonpath((output_dir, folder)) != output_dir:
        raise ValueError("files cannot be saved outside the output folder")
    os.makedirs(folder, exist_ok=True)
    taken = [
        name[len(stem) + 1 :].split("_")[0]
        for name in os.listdir(folder)
        if name.startswith(f"{stem}_")
    ]
    counter = max((int(one) for one in taken if one.isdecimal()), default=0) + 1
    return folder, stem, counter, subfolder, prefix
