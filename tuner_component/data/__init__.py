"""Reading the data that `tuner_fn` and `run_fn` are given, in one line each.

    from tuner_component import data

    def tuner_fn(fn_args):
        x, y = data.table(fn_args, "train", ["length", "depth"], label="species")

For data that do not fit into memory, `data.dataset` has them in batches; for images in a
folder for each class, `data.image_folder` has the directory that Keras reads. All of them
take what TFX hands to the module: a module that uses them runs in a pipeline as well. Who
reads `fn_args.train_files` in a way of its own needs none of this.
"""

from tuner_component.data.folders import image_folder
from tuner_component.data.reading import dataset, table

__all__ = ["dataset", "image_folder", "table"]
