"""Packaging of tfx-tuner-component; the tools' settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def _version() -> str:
    source = (ROOT / "tuner_component" / "version.py").read_text()
    return re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)[1]


setup(
    name="tfx-tuner-component",
    version=_version(),
    description="A drop-in for the TFX Tuner component that loses nothing.",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    author="The tuner_component authors",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords="tfx tuner hyperparameter keras-tuner pipeline kubeflow",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["tuner_component", "tuner_component.*"]),
    package_data={"tuner_component": ["py.typed", "proto/*.pyi"]},
    python_requires=">=3.10,<3.14",
    install_requires=[
        "keras-tuner>=1.4.7,<2",
        "protobuf>=3.20.3,<7",
        # KerasTuner imports it on the TensorFlow backend without requiring it,
        # and TensorFlow stopped bringing it in 2.21.
        "tensorboard>=2.16",
        "tfx>=1.16,<2",
    ],
    extras_require={
        "dev": [
            "mypy==1.18.2",
            "mypy-protobuf==3.3.0",
            "pytest>=8,<10",
            "ruff==0.14.5",
            "types-protobuf",
        ],
    },
)
