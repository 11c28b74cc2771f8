"""Packaging of tfx-tuner-component; settings of the tools are in pyproject.toml."""

from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

setup(
    name="tfx-tuner-component",
    version=run_path(str(ROOT / "tuner_component" / "version.py"))["__version__"],
    description="A drop-in for the TFX Tuner component that loses nothing.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The tuner_component authors",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    keywords="tfx tuner hyperparameter keras-tuner pipeline kubeflow",
    platforms=["Linux"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["tuner_component", "tuner_component.*"]),
    package_data={
        "tuner_component": ["py.typed", "proto/*.pyi", "report/templates/*.html"]
    },
    entry_points={
        "console_scripts": ["tuner-component = tuner_component.cli.main:main"]
    },
    zip_safe=False,  # Type checkers do not look for py.typed inside a zip file.
    python_requires=">=3.10,<3.14",
    install_requires=[
        "absl-py",
        # Functions of scripts and notebooks, on their way to workers.
        "cloudpickle>=2.2",
        # Optuna's CMA-ES sampler imports it without requiring it.
        "cmaes>=0.11",
        # TFX 1.16 (Python 3.10) imports it without requiring it. It came with Apache
        # Beam, which dropped it in 2.69.
        "dill; python_version < '3.11'",
        # Studies in gs://; TFX brings it along.
        "google-cloud-storage>=2.10,<4",
        "jinja2>=3",
        "keras>=3",
        "keras-tuner>=1.4.7,<2",
        "msgspec>=0.19,<1",
        "numpy",
        # Stopping rules, OptunaOracle and OptunaSearch.
        "optuna>=4.2,<6",
        "pandas",
        "plotly>=6",
        "protobuf>=3.20.3,<7",
        "pyyaml",
        "rich>=13",
        "scikit-learn",
        # The curve model of the search "auto".
        "scipy",
        # KerasTuner imports it without requiring it; TensorFlow requires it, the other
        # backends do not.
        "six",
        # KerasTuner imports it on the TensorFlow backend without requiring it, and
        # TensorFlow no longer requires it since 2.21.
        "tensorboard>=2.16",
        "tensorflow>=2.16",
        "tensorflow-data-validation>=1.16",
        "tfx>=1.16,<2",
    ],
    extras_require={
        # All that TFX needs of Kubeflow, to compile pipelines for Kubeflow and Vertex and
        # to run them there. The SDK only submits compiled pipelines. It needs other
        # releases of protobuf or urllib3 than TFX, and so an environment of its own.
        "kfp": ["kfp-pipeline-spec>=0.2.2,<3"],
        # Searches on a Ray cluster. The head and all nodes need the same release. KubeRay
        # asks Ray's dashboard whether a node is well, which [default] brings.
        "ray": ["ray[default]>=2.49,<2.61"],
        # Studies in s3:// that are written on condition; TensorFlow itself needs
        # tensorflow-io there.
        "s3": ["boto3>=1.36,<2"],
        # Exact versions if another version would judge the same code differently.
        "dev": [
            "boto3>=1.36,<2",
            "build>=1.2",
            # moto's server needs both without requiring them for S3 alone.
            "flask>=3,<4",
            "flask-cors>=5,<7",
            "moto[s3]>=5.1,<6",
            "mypy==2.4.1",
            # Drives the browser that looks at the report; it uses the machine's browser.
            "playwright>=1.50",
            "pytest>=8,<10",
            "pytest-xdist>=3.6,<4",
            "ray>=2.49,<2.61",  # Without the dashboard: tests start many nodes.
            "ruff==0.17.5",
            "types-protobuf==7.35.1.20260906",
        ],
    },
)
